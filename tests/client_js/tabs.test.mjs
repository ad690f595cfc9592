import assert from "node:assert/strict";
import {beforeEach, test} from "node:test";

import {BASE, Browser, PASSWORDS, SERVER, control, seen, until} from "./browser.mjs";

const {createClient} = await import(process.env.MODULE);
const WHO = `${SERVER}/who`;
let browser;
let ada;

const make = () => createClient({base: BASE});
const who = async (client) => (await (await client.fetch(WHO)).json()).subject;
const refreshes = async () => (await seen("/auth/refresh")).length;

/** Another tab that this test plays by hand. */
class Tab {
  heard = [];
  constructor() {
    this.channel = new BroadcastChannel(`gatepass ${BASE}`);
    this.channel.onmessage = ({data}) => this.heard.push(data);
  }
  async say(message) {
    const listener = new BroadcastChannel(`gatepass ${BASE}`);
    const arrived = new Promise((done) => (listener.onmessage = done));
    this.channel.postMessage({from: "another tab", ...message});
    await arrived;
    listener.close();
  }
}

const tab = new Tab();

/** Holds answers to a path back until `release` is called. */
function hold(path) {
  let release;
  let isHeld = false;
  const released = new Promise((done) => (release = done));
  browser.onAnswer = async (answered) => {
    if (answered !== path) return;
    isHeld = true;
    await released;
  };
  return {release, isHeld: () => isHeld};
}

beforeEach(async () => {
  browser = new Browser();
  await control({clear: true, advance: 120});
  ada = make();
  await ada.logIn("ada", PASSWORDS.ada);
  tab.heard = [];
});

test("twenty tabs refresh at once, and all go on with one session", async () => {
  const tabs = Array.from({length: 20}, make);
  const {sid} = await ada.session();
  for (let round = 0; round < 3; round++) {
    await control({advance: 901});
    for (const subject of await Promise.all(tabs.map(who))) assert.equal(subject, "user-ada");
  }
  const sids = await Promise.all(tabs.map(async (each) => (await each.session()).sid));
  assert.deepEqual(new Set(sids), new Set([sid]));
  const told = await seen("/auth/refresh");
  assert.deepEqual([...new Set(told.map((each) => each.status))], [200]);
});

test("a tab skips its refresh when another has refreshed", async () => {
  await control({advance: 901});
  const second = make();
  await second.session();
  await control({clear: true, advance: 901});
  await tab.say({isBusy: true});
  const answered = who(ada);
  await until(async () => (await seen("/who")).length === 1);
  const renewed = await globalThis.fetch(`${BASE}/refresh`, {
    method: "POST",
    credentials: "include",
    headers: {"X-CSRF-Token": browser.jar.get("gatepass-csrf").value},
  });
  const {session_id: sid, csrf_token: csrf, expires_in} = await renewed.json();
  await tab.say({isBusy: false, renewed: {sid, csrf, life: expires_in * 1000}});
  assert.equal(await answered, "user-ada");
  assert.equal(await refreshes(), 1);
});

test("the news of another session change nothing", async () => {
  const csrf = browser.jar.get("gatepass-csrf").value;
  await tab.say({isBusy: false, renewed: {sid: "another", csrf: "another", life: 1}});
  assert.equal(await who(ada), "user-ada");
  assert.equal((await seen("/who"))[0].csrf, csrf);
});

test("a tab that dies while it refreshes keeps no other waiting", async () => {
  await control({advance: 901});
  await tab.say({isBusy: true});
  assert.equal(await who(ada), "user-ada");
  assert.equal(await refreshes(), 1);
});

test("no message holds a token", async () => {
  await control({advance: 901});
  await who(ada);
  await until(() => tab.heard.some((message) => message.renewed));
  const told = JSON.stringify(tab.heard);
  for (const name of ["gatepass-access", "gatepass-refresh"])
    assert.equal(told.includes(browser.jar.get(name).value), false);
});

test("a login lets the refresh of another tab end first", async () => {
  await control({advance: 901});
  const second = make();
  const held = hold("/auth/refresh");
  const answered = who(ada).catch((error) => error.code);
  await until(held.isHeld);
  const entered = second.logIn("grace", PASSWORDS.grace);
  await until(() => tab.heard.some((message) => message.asks));
  await until(() => tab.heard.filter((message) => message.isBusy && !message.asks).length >= 2);
  assert.equal((await seen("/auth/login")).length, 1);
  held.release();
  assert.equal((await entered).username, "grace");
  assert.ok(["user-ada", "session_changed", "token_revoked"].includes(await answered));
  assert.equal(await who(second), "user-grace");
});

test("a login whose cookies a late answer has replaced is told as that", async () => {
  await control({advance: 901});
  const second = make();
  const held = hold("/auth/refresh");
  let isLate = false;
  const send = browser.fetch.bind(browser);
  browser.fetch = async (input, init) => {
    const answer = await send(input, init);
    if (String(input).endsWith("/refresh")) isLate = true;
    if (String(input).endsWith("/login")) {
      held.release(); // the two seconds that a login waits for it are over
      await until(() => isLate);
    }
    return answer;
  };
  const late = who(ada).catch((error) => error.code);
  await until(held.isHeld);
  await assert.rejects(second.logIn("grace", PASSWORDS.grace), ({code}) => code === "session_changed");
  await assert.rejects(second.fetch(WHO), ({code}) => code === "token_revoked");
  assert.notEqual(await late, "user-grace");
  assert.equal((await second.logIn("grace", PASSWORDS.grace)).username, "grace");
});

test("a log-out waits for the refresh under way", async () => {
  await control({advance: 901});
  const held = hold("/auth/refresh");
  const answered = who(ada).catch((error) => error.code);
  await until(held.isHeld);
  const out = ada.logOut();
  held.release();
  await out;
  await answered;
  assert.equal(browser.jar.has("gatepass-refresh"), false);
  assert.equal(await ada.session(), null);
});

test("the last client lets the program end", () => tab.channel.close());
