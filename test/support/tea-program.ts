/** Rules that post, tag, grant and miss; an asset with limits, one that waits, and one that is money. */
export const TEA_PROGRAM = `name: { en: Teas, zh-CN: 茶 }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: points, kind: POINTS, name: { en: Points, zh-CN: 积分 }, expiry: { after: P12M },
      limits: { earn: { perOperation: "1000", perDay: "1500" } } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
  - { code: stars, kind: TOKEN, name: { en: Stars }, maturity: { after: P30D, event: order_completed } }
  - { code: credit, kind: STORED_VALUE, name: { en: Credit } }
ladders:
  - code: main
    name: { en: Main }
    metric: growth
    window: LIFETIME
    tiers:
      - { code: bronze, name: { en: Bronze }, threshold: "0" }
      - { code: silver, name: { en: Silver }, threshold: "200" }
tags: [{ code: buyer, name: { en: Buyer } }]
benefits:
  - { code: gift, name: { en: Gift }, kind: GIFT, level: BASIC, value: CUP }
rules:
  - code: spend
    name: { en: Spend, zh-CN: 消费 }
    trigger: purchase
    postings: [{ asset: points, amount: { each: "1.00", gives: 1 } }]
  - code: grow
    name: { en: Grow }
    trigger: purchase
    postings: [{ asset: growth, amount: { each: "1.00", gives: 1 } }]
    tags: { add: [buyer] }
    grants: [gift]
  - code: little
    name: { en: Little }
    trigger: purchase
    when: 'activity.amount < 10000'
    postings: [{ asset: points, amount: 7 }]`;
