// A tiny CRM, in memory: it stands for yours. PORT=8081 node crm.mjs [people.json]
//
// GET   /people?phone=+86…   who has a phone
// PATCH /people/C-1          { memberId } once the person is a member; { blocked } to keep them out
// PUT   /enrolments/<key>    { phones, name, output }: notes who enrols; the same key and phones = the first one again
// GET   /enrolments          all of them
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , file] = process.argv;
const people = file === undefined ? [] : JSON.parse(readFileSync(file, 'utf8'));
const enrolments = new Map(); // key → { phones, output }
let created = 0;

function byPhone(phone) {
  return people.filter((person) => person.phone === phone);
}

/** Whoever isn't known becomes a person, once. */
function enrol(key, { phones, name, output }) {
  const known = enrolments.get(key);
  if (known !== undefined && known.phones.join() === phones.join()) return known;
  for (const phone of phones) {
    if (byPhone(phone).length > 0) continue;
    created += 1;
    people.push({ id: `C-NEW-${created}`, phone, name, blocked: false, memberId: null, tags: [] });
  }
  const enrolment = { phones, output };
  enrolments.set(key, enrolment);
  return enrolment;
}

function change(id, { memberId, blocked }) {
  const person = people.find((one) => one.id === id);
  if (person === undefined) return null;
  if (memberId !== undefined) person.memberId = memberId;
  if (blocked !== undefined) person.blocked = blocked;
  return person;
}

function answer(method, url, body) {
  const [, list, name] = url.pathname.split('/');
  if (method === 'GET' && list === 'people') return byPhone(url.searchParams.get('phone'));
  if (method === 'PATCH' && list === 'people') return change(decodeURIComponent(name), body);
  if (method === 'PUT' && list === 'enrolments') return enrol(decodeURIComponent(name), body);
  if (method === 'GET' && list === 'enrolments')
    return [...enrolments].map(([key, one]) => ({ key, ...one }));
  return null;
}

const server = createServer(async (request, response) => {
  try {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const body = text === '' ? {} : JSON.parse(text);
    const found = answer(request.method, new URL(request.url, 'http://crm'), body);
    response.writeHead(found === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found));
  } catch {
    response.writeHead(400).end();
  }
});
server.listen(Number(process.env.PORT ?? '8081'), '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
