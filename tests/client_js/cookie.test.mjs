import assert from "node:assert/strict";
import {beforeEach, test} from "node:test";

import {BASE, Browser, PASSWORDS, SERVER, control, seen, until} from "./browser.mjs";

const {createClient} = await import(process.env.MODULE);
const WHO = `${SERVER}/who`;
let browser;
let ada;

const code = (expected) => (error) => {
  assert.equal(error.name, "GatepassError");
  assert.equal(error.code, expected);
  return true;
};
const answered = async (response) => (await response).json();
const make = () => createClient({base: BASE});

beforeEach(async () => {
  browser = new Browser();
  await control({clear: true, down: false, advance: 120});
  ada = make();
  await ada.logIn("ada", PASSWORDS.ada);
});

test("logs in, tells whose session it is, lists sessions and logs out", async () => {
  const claims = await ada.session();
  const listed = await ada.sessions();
  assert.equal(claims.username, "ada");
  assert.equal(listed.filter((each) => each.current)[0].session_id, claims.sid);
  await ada.logOut();
  assert.equal(await ada.session(), null);
  assert.equal(browser.jar.has("gatepass-access"), false);
  await assert.rejects(ada.fetch(WHO), code("token_missing"));
  await ada.logOut();
});

test("no token reaches the client", async () => {
  const secrets = ["gatepass-access", "gatepass-refresh"].map((name) => browser.jar.get(name).value);
  const told = JSON.stringify([await ada.session(), await ada.sessions(), ada]);
  for (const secret of secrets) assert.equal(told.includes(secret), false);
});

test("a wrong password and too many of them are errors with codes", async () => {
  await assert.rejects(make().logIn("ada", "wrong"), code("invalid_credentials"));
  const wrong = () => make().logIn("ada", "wrong").catch((error) => error);
  let error;
  do error = await wrong();
  while (error.code !== "rate_limited");
  assert.equal(error.status, 429);
  assert.ok(error.retryAfter > 0);
  await control({advance: 7200});
});

test("a page that was loaded again finds its session, and may change something", async () => {
  const again = make();
  assert.equal((await answered(again.fetch(WHO, {method: "POST", body: "x"}))).body, "x");
  assert.equal((await make().session()).username, "ada");
  assert.equal((await seen("/auth/refresh")).length, 0);
});

test("every request carries the CSRF token", async () => {
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) await ada.fetch(WHO, {method});
  const csrf = browser.jar.get("gatepass-csrf").value;
  assert.deepEqual((await seen("/who")).map((each) => each.csrf), Array(5).fill(csrf));
});

test("fifty requests with an expired token cost one refresh", async () => {
  await control({advance: 901});
  const asked = Array.from({length: 50}, () => answered(ada.fetch(WHO)));
  for (const {subject} of await Promise.all(asked)) assert.equal(subject, "user-ada");
  assert.equal((await seen("/auth/refresh")).length, 1);
});

test("a session is renewed before its token expires, and nobody waits", async (t) => {
  const real = Date.now;
  t.mock.method(Date, "now", () => real() + 890_000);
  assert.equal((await answered(ada.fetch(WHO))).subject, "user-ada");
  await until(async () => (await seen("/auth/refresh")).length === 1);
  await until(async () => (await seen("/auth/refresh"))[0].status === 200);
});

test("clocks that jump cost one refresh at most", async (t) => {
  const real = Date.now;
  const date = t.mock.method(Date, "now", () => real() + 10 * 86_400_000);
  await ada.fetch(WHO);
  assert.equal((await seen("/auth/refresh")).length, 1);
  await ada.fetch(WHO);
  date.mock.mockImplementation(() => real() - 86_400_000);
  await ada.fetch(WHO);
  await control({advance: 901});
  assert.equal((await answered(ada.fetch(WHO))).subject, "user-ada");
  assert.equal((await seen("/auth/refresh")).length, 2);
});

test("bodies that can be sent again are", async () => {
  const form = new FormData();
  form.set("file", new Blob(["content"]), "name");
  const bodies = ["text", new Blob(["blob"]), new TextEncoder().encode("bytes"), form];
  for (const body of [...bodies, new URLSearchParams("a=b")]) {
    await control({advance: 901});
    assert.ok((await answered(ada.fetch(WHO, {method: "POST", body}))).body.length > 2);
  }
  await control({advance: 901});
  const request = new Request(WHO, {method: "PUT", body: "of a request", headers: {"X-Mine": "1"}});
  assert.equal((await answered(ada.fetch(request))).body, "of a request");
});

test("a stream is not sent again: the error is told, and the next request succeeds", async () => {
  const stream = () => new Blob(["streamed"]).stream();
  const sending = (client) => client.fetch(WHO, {method: "POST", body: stream(), duplex: "half"});
  for (const client of [ada, make()]) {
    await control({advance: 901, clear: true});
    await assert.rejects(sending(client), code("token_expired"));
    assert.equal((await seen("/who")).length, 1);
    assert.equal((await answered(sending(client))).body, "streamed");
  }
});

for (const [name, seconds] of [["good", 0], ["expired", 901]])
  test(`nothing is answered as somebody else, with a ${name} token`, async () => {
    await make().logIn("grace", PASSWORDS.grace);
    await control({advance: seconds, clear: true});
    const attempts = ["GET", "POST", "PUT", "DELETE"].map((method) => () => ada.fetch(WHO, {method}));
    for (const attempt of [...attempts, ada.session, ada.sessions, ada.logOut, ada.logOutEverywhere])
      await assert.rejects(attempt(), code("session_changed"));
    const told = (await control()).filter((each) => each.status < 300);
    assert.deepEqual([...new Set(told.map((each) => each.path))], ["/auth/csrf"]);
    assert.equal((await make().session()).username, "grace");
  });

test("a client takes the session of its own login", async () => {
  await ada.logIn("grace", PASSWORDS.grace);
  assert.equal((await ada.session()).username, "grace");
  assert.equal((await answered(ada.fetch(WHO, {method: "POST"}))).subject, "user-grace");
});

test("a session that was ended elsewhere is over, by its code", async () => {
  const {sid} = await ada.session();
  await control({revoke: sid});
  await assert.rejects(ada.fetch(WHO), code("token_revoked"));
  assert.equal(await ada.session(), null);
  await control({advance: 901});
  await assert.rejects(ada.fetch(WHO), code("refresh_revoked"));
  assert.equal(await ada.session(), null);
  assert.deepEqual(await answered(ada.fetch(`${SERVER}/public`)), {public: true});
});

test("log out everywhere ends all sessions of the user", async () => {
  const elsewhere = make();
  const before = (await ada.sessions()).length;
  assert.equal(await elsewhere.logOutEverywhere(), before);
  assert.equal(await ada.session(), null);
  assert.equal(await elsewhere.session(), null);
});

test("an idle session expires", async () => {
  await control({advance: 8 * 86_400});
  await assert.rejects(ada.fetch(WHO), code("refresh_expired"));
  assert.equal(await ada.session(), null);
});

test("without a session public routes answer", async () => {
  browser.jar.clear();
  const nobody = make();
  assert.equal(await nobody.session(), null);
  assert.deepEqual(await answered(nobody.fetch(`${SERVER}/public`)), {public: true});
  await assert.rejects(nobody.fetch(WHO, {method: "POST"}), code("token_missing"));
  await nobody.logOut();
});

test("offline ends no session", async () => {
  await control({advance: 901});
  browser.onAnswer = async (path) => (browser.isOffline = path === "/who");
  await assert.rejects(ada.fetch(WHO), code("unreachable"));
  await assert.rejects(ada.fetch(WHO), TypeError);
  browser.isOffline = false;
  browser.onAnswer = async () => {};
  assert.equal((await answered(ada.fetch(WHO))).subject, "user-ada");
});

test("neither a store that fails nor a proxy's page ends a session", async () => {
  await control({advance: 901, down: true});
  await assert.rejects(ada.fetch(WHO), (error) => code("store_unavailable")(error) && error.retryAfter === 2);
  await control({down: false});
  const page = {status: 401, headers: {"Content-Type": "text/html"}};
  browser.answerInstead = (path) => path === "/auth/refresh" && new Response("<h1>Sign in", page);
  await assert.rejects(ada.fetch(WHO), code("unreachable"));
  browser.answerInstead = undefined;
  assert.equal((await answered(ada.fetch(WHO))).subject, "user-ada");
});

test("credentials go to no other origin, and no redirect is followed", async () => {
  const other = `http://localhost:${new URL(SERVER).port}/who`;
  await assert.rejects(ada.fetch(other), code("foreign_origin"));
  await assert.rejects(ada.fetch(new Request(other)), code("foreign_origin"));
  for (const method of ["GET", "POST"]) {
    const to = `${SERVER}/bounce?to=${encodeURIComponent(other)}`;
    await assert.rejects(ada.fetch(to, {method}), code("redirected"));
  }
  assert.equal((await seen("/who")).length, 0);
  const stolen = createClient({base: `${SERVER}/bounce?to=${other}&`});
  await assert.rejects(stolen.logIn("ada", PASSWORDS.ada), code("redirected"));
  assert.equal((await seen("/who")).length, 0);
});

test("an answer that is no refusal of gatepass is the caller's", async () => {
  assert.equal((await ada.fetch(`${SERVER}/plain`)).status, 404);
  assert.equal((await ada.fetch(`${SERVER}/nowhere`)).status, 404);
});

test("a base or mode that cannot be is rejected at once", () => {
  assert.throws(() => createClient({}), TypeError);
  assert.throws(() => createClient({base: "/auth"}), TypeError);
  assert.throws(() => createClient({base: BASE, mode: "local"}), TypeError);
});
