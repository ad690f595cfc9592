import assert from "node:assert/strict";
import {beforeEach, test} from "node:test";
import {Worker} from "node:worker_threads";

import {BASE, Browser, PASSWORDS, SERVER, control, seen, until} from "./browser.mjs";

const {createClient} = await import(process.env.MODULE);
const WHO = `${SERVER}/who`;
let browser;
let ada;

const make = () => createClient({base: BASE, mode: "bearer"});
const who = async (client) => (await (await client.fetch(WHO)).json()).subject;
const fails = (promise, code) => assert.rejects(promise, (error) => error.code === code);

beforeEach(async () => {
  browser = new Browser();
  await control({clear: true, down: false, advance: 120});
  ada = make();
  await ada.logIn("ada", PASSWORDS.ada);
});

test("tokens travel in the header, and no cookie is set or sent", async () => {
  assert.equal(await who(ada), "user-ada");
  const [asked] = await seen("/who");
  assert.match(asked.authorization, /^Bearer \S+$/);
  assert.equal(asked.cookie, null);
  assert.equal(asked.csrf, null);
  assert.equal(browser.jar.size, 0);
  assert.equal(JSON.stringify(ada), "{}");
});

test("every client has a session of its own, and a new one has none", async () => {
  const grace = make();
  await fails(grace.fetch(WHO), "token_missing");
  assert.equal(await grace.session(), null);
  assert.equal((await seen("/who")).length, 0);
  await grace.logIn("grace", PASSWORDS.grace);
  assert.deepEqual([await who(ada), await who(grace)], ["user-ada", "user-grace"]);
});

test("an expired token costs one refresh, and the session goes on", async () => {
  for (let round = 1; round < 4; round++) {
    await control({advance: 901});
    const told = await Promise.all(Array.from({length: 9}, () => who(ada)));
    assert.deepEqual(new Set(told), new Set(["user-ada"]));
    assert.equal((await seen("/auth/refresh")).length, round);
  }
  const {sid} = await ada.session();
  assert.ok((await ada.sessions()).find((each) => each.current && each.session_id === sid));
});

test("after a logout a late refresh brings nothing back", async () => {
  await control({advance: 901});
  let release;
  const released = new Promise((done) => (release = done));
  browser.onAnswer = (path) => path === "/auth/refresh" && released;
  const asked = who(ada).catch((error) => error.code);
  await until(async () => (await seen("/auth/refresh")).length === 1);
  const out = ada.logOut();
  release();
  await Promise.all([out, asked]);
  await fails(ada.fetch(WHO), "token_missing");
  assert.equal(await ada.session(), null);
});

test("a logout that the server did not confirm can be repeated", async () => {
  browser.isOffline = true;
  await fails(ada.logOut(), "unreachable");
  browser.isOffline = false;
  await ada.logOut();
  await fails(ada.fetch(WHO), "token_missing");
});

test("the mark of the device comes with the next login of the client", async () => {
  const bodies = [];
  const send = browser.fetch.bind(browser);
  browser.fetch = (input, init) => {
    if (String(input).endsWith("/login")) bodies.push(JSON.parse(init.body));
    return send(input, init);
  };
  await ada.logOut();
  await ada.logIn("ada", PASSWORDS.ada);
  assert.match(bodies[0].device_token, /^\S+\.\S+\.\S+$/);
});

test("tokens go to no other origin, and no redirect is followed", async () => {
  const other = `http://localhost:${new URL(SERVER).port}/who`;
  await fails(ada.fetch(other), "foreign_origin");
  for (const to of [other, WHO])
    await fails(ada.fetch(`${SERVER}/bounce?to=${encodeURIComponent(to)}`), "redirected");
  assert.equal((await seen("/who")).length, 0);
});

test("it works in a worker", async () => {
  const workerData = {base: BASE, password: PASSWORDS.ada, module: process.env.MODULE};
  const worker = new Worker(new URL("worker.mjs", import.meta.url), {workerData});
  const [told] = await Promise.all([
    new Promise((done, failed) => worker.once("message", done).once("error", failed)),
    new Promise((done) => worker.once("exit", done)),
  ]);
  assert.equal(told, "ada");
});
