import type { MessageTemplate } from '../kernel/errors.ts';

/** What `extension conformance` says. Of each check: what it holds, and what is wrong with its mend. */
export const conformanceTexts = {
  'conformance.about': {
    en: 'Check a webhook receiver against all that it will be asked, before it is registered.',
    'zh-CN': '在登记之前，按平台的全部要求检查一个 Webhook 接收方。',
  },
  'conformance.url': { en: 'Where it listens.', 'zh-CN': '接收方地址。' },
  'conformance.point': {
    en: 'The extension point that it answers, e.g. member.create.',
    'zh-CN': '它所响应的扩展点，例如 member.create。',
  },
  'conformance.secretOption': {
    en: 'The signing secret that it knows; also SIGNING_SECRET.',
    'zh-CN': '接收方所知的签名密钥；也可用 SIGNING_SECRET。',
  },
  'conformance.sample': {
    en: 'An input, or @FILE with one, laid over the point’s example.',
    'zh-CN': '输入样例，或 @文件；叠加在扩展点的示例之上。',
  },
  'conformance.deadline': { en: 'How long an answer may take.', 'zh-CN': '响应时限（毫秒）。' },
  'conformance.live': {
    en: 'Ask as LIVE and CANARY too. It will act upon that: only where nothing real hangs on it.',
    'zh-CN': '同时以 LIVE 与 CANARY 调用。接收方会真正执行，请只在不涉及真实数据时使用。',
  },
  'conformance.secretless': {
    en: 'Every call is signed: start your receiver with SIGNING_SECRET={secret}, and run this again with it.',
    'zh-CN': '每次调用都带签名：请以 SIGNING_SECRET={secret} 启动接收方，再带上它重新执行。',
  },
  'conformance.secretBad': {
    en: 'The secret is none: it begins with whsec_, and base64 follows.',
    'zh-CN': '签名密钥无效：应以 whsec_ 开头，其后为 base64。',
  },
  'conformance.pointUnknown': {
    en: 'Nothing asks "{point}": name one of {points}.',
    'zh-CN': '没有扩展点“{point}”：请使用 {points} 之一。',
  },
  'conformance.sampleBad': {
    en: 'The sample doesn’t fit {point} at "{path}": {problem}.',
    'zh-CN': '样例不符合 {point} 的“{path}”：{problem}。',
  },
  'conformance.status': { en: 'it answered with status {status}', 'zh-CN': '响应状态为 {status}' },
  'conformance.differs': {
    en: 'the second answer is another one',
    'zh-CN': '第二次的响应与第一次不同',
  },
  'conformance.done': { en: 'All {made} checks hold.', 'zh-CN': '{made} 项检查全部通过。' },
  'conformance.failed': {
    en: '{failed} of {made} checks don’t hold.',
    'zh-CN': '{made} 项检查中有 {failed} 项未通过。',
  },
  'conformance.unseen': {
    en: 'Not to be seen from here: whether it acts in SHADOW, TEST or DRY_RUN (it must not), whether it acts once for a key, and whether several processes of it know each other’s ids.',
    'zh-CN':
      '此处无法检查：SHADOW、TEST、DRY_RUN 时是否真的没有执行，同一幂等键是否只执行一次，多个进程之间是否共享已见过的 webhook-id。',
  },
  'conformance.answered': {
    en: 'answers a signed call with an output of the point’s schema, in time',
    'zh-CN': '按时以符合扩展点模式的 output 响应已签名的调用',
  },
  'conformance.answered.mend': {
    en: 'A well-signed call isn’t answered as it must be ({seen}): verify HMAC-SHA256 over "id.timestamp.body" with the bytes after whsec_ as base64, and answer 200 with application/json and {"output": …}.',
    'zh-CN':
      '正确签名的调用未得到合格的响应（{seen}）：请用 whsec_ 之后的 base64 字节对“id.timestamp.body”校验 HMAC-SHA256，并以 200、application/json 与 {"output": …} 响应。',
  },
  'conformance.challenge': { en: 'gives the challenge back', 'zh-CN': '原样返回质询' },
  'conformance.challenge.mend': {
    en: 'The challenge before CANARY and LIVE isn’t passed ({seen}): for the point "challenge" answer {"output": {"challenge": input.challenge}}.',
    'zh-CN':
      '未通过 CANARY 与 LIVE 之前的质询（{seen}）：扩展点为“challenge”时，请响应 {"output": {"challenge": input.challenge}}。',
  },
  'conformance.rotation': {
    en: 'finds its signature among several (rotation)',
    'zh-CN': '能在多个签名中找到自己的（密钥轮换）',
  },
  'conformance.rotation.mend': {
    en: 'With two signatures it doesn’t find its own ({seen}): split webhook-signature at blanks, and take the call when any of them verifies.',
    'zh-CN': '有两个签名时未能识别自己的（{seen}）：请按空格拆分 webhook-signature，任一通过即可。',
  },
  'conformance.modes': {
    en: 'answers SHADOW, DRY_RUN and TEST like any call',
    'zh-CN': '对 SHADOW、DRY_RUN、TEST 与其他调用同样响应',
  },
  'conformance.modes.mend': {
    en: 'A call that is only watched or tried isn’t answered ({seen}): answer every mode alike, and act only when it is LIVE or CANARY.',
    'zh-CN': '仅观察或试用的调用未得到响应（{seen}）：请对各种 mode 同样响应，只在 LIVE 或 CANARY 时执行。',
  },
  'conformance.unknownFields': { en: 'overlooks fields that it doesn’t know', 'zh-CN': '忽略未知字段' },
  'conformance.unknownFields.mend': {
    en: 'Fields that came later aren’t overlooked ({seen}): ignore what you don’t know, in the body and in its input.',
    'zh-CN': '未能忽略后来新增的字段（{seen}）：请忽略正文与 input 中不认识的内容。',
  },
  'conformance.large': { en: 'takes a body of 200 kB', 'zh-CN': '接受 200 kB 的正文' },
  'conformance.large.mend': {
    en: 'A large body isn’t answered ({seen}): take up to 300 kB, since inputs may be 256 kB.',
    'zh-CN': '较大的正文未得到响应（{seen}）：输入可达 256 kB，请至少接受 300 kB。',
  },
  'conformance.idempotent': {
    en: 'answers the same request alike when it is asked again',
    'zh-CN': '同一请求再次调用时响应一致',
  },
  'conformance.idempotent.mend': {
    en: 'The same request wasn’t answered alike when asked again ({seen}): the same idempotencyKey is the same request, so answer what you answered first.',
    'zh-CN': '同一请求再次调用时响应不一致（{seen}）：idempotencyKey 相同即为同一请求，请返回第一次的响应。',
  },
  'conformance.together': { en: 'answers 16 calls at once in time', 'zh-CN': '同时按时响应 16 个调用' },
  'conformance.together.mend': {
    en: 'Of 16 calls at once not all were answered ({seen}): handle calls side by side, over as many connections.',
    'zh-CN': '同时 16 个调用未全部得到响应（{seen}）：请并行处理，并接受同样多的连接。',
  },
  'conformance.liveOnce': {
    en: 'answers a LIVE request alike when it is asked again',
    'zh-CN': '同一 LIVE 请求再次调用时响应一致',
  },
  'conformance.liveOnce.mend': {
    en: 'The same LIVE request wasn’t answered alike when asked again ({seen}): keep the answer by tenant and idempotencyKey, and act once.',
    'zh-CN': '同一 LIVE 请求再次调用时响应不一致（{seen}）：请按租户与 idempotencyKey 保存响应，只执行一次。',
  },
  'conformance.knownAgain': {
    en: 'knows a request again after another one was answered',
    'zh-CN': '响应过其他请求之后仍认得原来的请求',
  },
  'conformance.knownAgain.mend': {
    en: 'A request wasn’t answered as at first once another one was answered ({seen}): keep the answer of every idempotencyKey, not only of the last one.',
    'zh-CN':
      '响应其他请求之后，同一请求的响应与第一次不同（{seen}）：请保存每个 idempotencyKey 的响应，而不只是最后一个。',
  },
  'conformance.liveKnownAgain': {
    en: 'knows a LIVE request again after another one changed the record',
    'zh-CN': '其他请求更改账目之后仍认得原来的 LIVE 请求',
  },
  'conformance.liveKnownAgain.mend': {
    en: 'A LIVE request wasn’t answered as at first once another one was answered ({seen}): keep each idempotencyKey with its answer in the transaction that changes the record, for as long as the record.',
    'zh-CN':
      '响应其他请求之后，同一 LIVE 请求的响应与第一次不同（{seen}）：请在更改账目的同一事务中保存每个 idempotencyKey 及其响应，并与账目同样长久地保留。',
  },
  'conformance.canary': { en: 'answers CANARY', 'zh-CN': '响应 CANARY' },
  'conformance.canary.mend': {
    en: 'A CANARY call isn’t answered ({seen}): it counts, exactly as LIVE does.',
    'zh-CN': 'CANARY 调用未得到响应（{seen}）：它与 LIVE 同样有效。',
  },
  'conformance.unsigned': { en: 'refuses what isn’t signed', 'zh-CN': '拒绝未签名的调用' },
  'conformance.unsigned.mend': {
    en: 'A call without a signature isn’t refused ({seen}): answer 401 unless a signature verifies.',
    'zh-CN': '未签名的调用未被拒绝（{seen}）：签名未通过时请响应 401。',
  },
  'conformance.wrongSecret': { en: 'refuses another secret’s signature', 'zh-CN': '拒绝其他密钥的签名' },
  'conformance.wrongSecret.mend': {
    en: 'A call that another secret signed isn’t refused ({seen}): verify the signature with your secret, else answer 401.',
    'zh-CN': '其他密钥签名的调用未被拒绝（{seen}）：请用自己的密钥校验签名，否则响应 401。',
  },
  'conformance.otherBody': { en: 'refuses a body that was changed', 'zh-CN': '拒绝被改动的正文' },
  'conformance.otherBody.mend': {
    en: 'A changed body isn’t refused ({seen}): sign the raw bytes as they came, not what was parsed and written again.',
    'zh-CN': '被改动的正文未被拒绝（{seen}）：请对收到的原始字节校验，而非解析后再序列化的内容。',
  },
  'conformance.otherId': { en: 'refuses a changed webhook-id', 'zh-CN': '拒绝被改动的 webhook-id' },
  'conformance.otherId.mend': {
    en: 'A changed webhook-id isn’t refused ({seen}): the id is part of what is signed, "id.timestamp.body".',
    'zh-CN': '被改动的 webhook-id 未被拒绝（{seen}）：签名内容包含 id，即“id.timestamp.body”。',
  },
  'conformance.old': { en: 'refuses an old signature', 'zh-CN': '拒绝过期的签名' },
  'conformance.old.mend': {
    en: 'A call signed ten minutes ago isn’t refused ({seen}): refuse a webhook-timestamp more than five minutes old.',
    'zh-CN': '十分钟前签名的调用未被拒绝（{seen}）：webhook-timestamp 早于五分钟的请予拒绝。',
  },
  'conformance.future': { en: 'refuses a signature of the future', 'zh-CN': '拒绝来自未来的签名' },
  'conformance.future.mend': {
    en: 'A call signed ten minutes ahead isn’t refused ({seen}): refuse a webhook-timestamp more than five minutes ahead.',
    'zh-CN': '时间超前十分钟的调用未被拒绝（{seen}）：webhook-timestamp 超前五分钟以上的请予拒绝。',
  },
  'conformance.replayed': { en: 'refuses what it has seen', 'zh-CN': '拒绝重放的调用' },
  'conformance.replayed.mend': {
    en: 'The same call is taken twice ({seen}): remember each webhook-id for ten minutes, and refuse it the second time.',
    'zh-CN': '同一调用被接受了两次（{seen}）：请记住每个 webhook-id 十分钟，第二次予以拒绝。',
  },
  'conformance.noJson': { en: 'refuses a body that is no JSON, by 4xx', 'zh-CN': '以 4xx 拒绝非 JSON 正文' },
  'conformance.noJson.mend': {
    en: 'A body that is no JSON isn’t refused in order ({seen}): answer 400, and keep the connection.',
    'zh-CN': '非 JSON 的正文未被正常拒绝（{seen}）：请响应 400，而不是出错或断开连接。',
  },
  'conformance.otherPoint': {
    en: 'refuses a point that it doesn’t answer, by 4xx',
    'zh-CN': '以 4xx 拒绝自己不响应的扩展点',
  },
  'conformance.otherPoint.mend': {
    en: 'A point that you don’t know isn’t refused ({seen}): look at "point" first, and answer 400 to any other.',
    'zh-CN': '不认识的扩展点未被拒绝（{seen}）：请先查看“point”，其余的响应 400。',
  },
  'conformance.badInput': {
    en: 'stands an input that is none',
    'zh-CN': '能承受无效的 input',
  },
  'conformance.badInput.mend': {
    en: 'An input of null makes it fall over ({seen}): check what comes, and answer 400.',
    'zh-CN': 'input 为 null 时出错（{seen}）：请检查收到的内容并响应 400。',
  },
  'conformance.tooLarge': { en: 'doesn’t take a body of 2 MB', 'zh-CN': '不接受 2 MB 的正文' },
  'conformance.tooLarge.mend': {
    en: 'A body of 2 MB isn’t refused in order ({seen}): stop reading at 1 MB, and answer 413.',
    'zh-CN': '2 MB 的正文未被正常拒绝（{seen}）：请在 1 MB 处停止读取并响应 413。',
  },
  'conformance.healthy': { en: 'still answers after all that', 'zh-CN': '经过以上检查后仍能响应' },
  'conformance.healthy.mend': {
    en: 'After the bad calls a good one isn’t answered any more ({seen}): let no call end the process.',
    'zh-CN': '经过错误的调用之后，正常的调用不再得到响应（{seen}）：不要让任何调用使进程退出。',
  },
} as const satisfies Record<string, MessageTemplate>;
