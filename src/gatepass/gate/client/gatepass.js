// gatepass in pages, workers and Node 20: one module, no build, no dependency. Its rules:
//
// 1. Credentials go to the origin of `base` only, and no redirect is followed.
// 2. In cookie mode scripts see no token. In bearer mode tokens are in memory only.
// 3. A client has one session. Its CSRF token goes with every request, and the server rejects it
//    beside the cookies of another session. Only logIn changes the session.
// 4. A client sends one refresh at a time. There is no lock between tabs: all that refresh at once
//    get the same answer. Messages between tabs only save work; no wait for one exceeds WAIT_MS.
// 5. A request is repeated once, after token_expired, if its body can be sent again.
// 6. A session ends only by a code of the server, never because a network or store fails.
// 7. No timer refreshes: a session that nobody uses ends. Two clocks count, so that sleep or a
//    changed clock costs one refresh at most.

const WAIT_MS = 2000;
const ANSWER_MS = 10_000;
const JITTER_MS = 100;

const clock = () => performance.now();
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const isOver = ({code}) => /^refresh_|^token_(missing|revoked|invalid)$/.test(code);
const isPassing = ({code}) => /^(unreachable|store_unavailable|internal_error)$/.test(code);

/** An error with a code: the server's, or one of this module's own. */
export class GatepassError extends Error {
  constructor(code, message, {response, cause} = {}) {
    super(message, {cause});
    this.name = "GatepassError";
    this.code = code;
    this.response = response;
    this.status = response?.status;
    this.retryAfter = Number(response?.headers.get("retry-after")) || undefined;
  }
}

export function createClient({base, mode = "cookie"}) {
  if (mode !== "cookie" && mode !== "bearer") throw new TypeError('mode is "cookie" or "bearer"');
  const here = globalThis.location?.href;
  const root = new URL(base, here).href.replace(/\/$/, "");
  const {origin} = new URL(root);
  const cookies = mode === "cookie";
  let own = {}; // the session: csrf or tokens, sid, when it is to be renewed; logIn replaces it

  // Between tabs

  const me = Math.random();
  const busy = new Map(); // the tabs that refresh or log in, and how long this one waits for them
  let refreshing = false; // a refresh is on its way
  let entering = false; // a login is
  const channel = cookies && globalThis.BroadcastChannel && new BroadcastChannel(`gatepass ${root}`);

  const tell = (message) => channel && channel.postMessage({from: me, ...message});
  const othersAreBusy = () => [...busy.values()].some((until) => until > clock());

  async function waitWhile(condition) {
    for (const end = clock() + WAIT_MS; condition() && clock() < end; ) await pause(20);
  }

  if (channel) {
    channel.unref?.(); // a program of Node may end
    channel.onmessage = ({data: {from, isBusy, asks, renewed}}) => {
      if (isBusy) busy.set(from, clock() + WAIT_MS);
      else busy.delete(from);
      if (asks && refreshing) tell({isBusy: true});
      if (renewed && (renewed.sid === own.sid || renewed.csrf === own.csrf)) keep(own, renewed);
    };
  }

  // The session

  function keep(mine, news) {
    Object.assign(mine, news, {renewals: (mine.renewals ?? 0) + 1});
    expireIn(mine, news.life, news.life);
  }

  function expireIn(mine, ms, life) {
    mine.ends = [Date.now() + ms, clock() + ms];
    mine.early = Math.min(30_000, life / 4) + Math.random() * life * 0.05;
  }

  const left = ({ends}) => (ends ? Math.min(ends[0] - Date.now(), ends[1] - clock()) : Infinity);

  function read({session_id: sid, csrf_token: csrf, access_token, refresh_token, expires_in}) {
    if (!sid || !(cookies ? csrf : refresh_token) || !(expires_in > 0))
      throw new GatepassError("unreachable", "not an answer of gatepass");
    const secrets = cookies ? {csrf} : {access: access_token, refresh: refresh_token};
    return {sid, life: expires_in * 1000, ...secrets};
  }

  const nobody = () => new GatepassError("token_missing", "nobody is logged in");
  const changed = () => new GatepassError("session_changed", "another session has begun here");

  // Requests

  function send(input, init, {csrf, access}) {
    const headers = new Headers(init.headers ?? input.headers);
    if (csrf) headers.set("X-CSRF-Token", csrf);
    if (access) headers.set("Authorization", `Bearer ${access}`);
    const credentials = cookies ? "include" : "omit";
    return fetch(input, {...init, headers, credentials, mode: "cors", redirect: "manual"});
  }

  async function findError(response) {
    const {status, headers, type} = response;
    if (type === "opaqueredirect" || (status > 300 && status < 400 && headers.has("location")))
      return new GatepassError("redirected", "the server redirects this request", {response});
    if (status < 400 || !/json/.test(headers.get("content-type"))) return;
    const told = await response.clone().json().catch(() => {});
    if (told?.error && told.code) return new GatepassError(told.code, told.error, {response});
  }

  /** Calls an auth route without renewal. An answer that is not gatepass's is `unreachable`. */
  async function call(method, path, mine, content, tries = 3) {
    const headers = content && {"Content-Type": "application/json"};
    const body = JSON.stringify(content);
    const signal = AbortSignal.timeout(ANSWER_MS);
    let error;
    try {
      const response = await send(root + path, {method, headers, body, signal}, mine);
      error = await findError(response);
      if (!error) return await readJson(response);
    } catch (cause) {
      error = new GatepassError("unreachable", `${path} was not answered`, {cause});
    }
    if (tries < 2 || !isPassing(error)) throw error;
    await pause(1500 / tries * (0.5 + Math.random()));
    return call(method, path, mine, content, tries - 1);
  }

  function readJson(response) {
    if (response.ok) return response.json();
    throw new GatepassError("unreachable", `status ${response.status}`, {response});
  }

  const findCsrf = async () => (await call("GET", "/csrf", {})).csrf_token;

  /** Takes the session that the cookies are of, once and for all. */
  async function pin(mine) {
    if (!cookies || mine.csrf) return;
    mine.pinning ??= findCsrf().finally(() => delete mine.pinning);
    const found = await mine.pinning;
    mine.csrf ??= found;
  }

  /** The error for the caller: csrf_failed may mean that the cookies are another session's. */
  async function explain(error, mine) {
    if (error.code !== "csrf_failed" || !mine.csrf) return error;
    try {
      return (await findCsrf()) === mine.csrf ? error : changed();
    } catch (reason) {
      return reason;
    }
  }

  function renew(mine) {
    if (mine.over) return Promise.reject(mine.over);
    return (mine.renewing ??= refresh(mine).finally(() => delete mine.renewing));
  }

  async function refresh(mine) {
    const {renewals} = mine;
    if (cookies) {
      await pause(Math.random() * JITTER_MS);
      await waitWhile(() => mine.renewals === renewals && (entering || othersAreBusy()));
      if (mine.renewals !== renewals) return; // another tab has renewed it
    }
    let renewed;
    try {
      refreshing = true;
      tell({isBusy: true});
      const presented = cookies ? [mine] : [{}, {refresh_token: mine.refresh}];
      renewed = read(await call("POST", "/refresh", ...presented));
      if (mine.sid && mine.sid !== renewed.sid) throw changed();
      keep(mine, renewed);
    } catch (error) {
      const reason = await explain(error, mine);
      if (isOver(reason)) mine.over = reason;
      else mine.restUntil = clock() + 5000;
      throw reason;
    } finally {
      refreshing = false;
      tell({isBusy: false, renewed});
    }
  }

  /** Renews a session whose access token is about to expire, and waits only if it must. */
  async function renewInTime(mine, mustWait) {
    if (mine.over || !(left(mine) <= mine.early)) return; // unknown in a page loaded again
    if (left(mine) > 0 && mine.restUntil > clock()) return;
    const failing = renew(mine).catch((error) => error);
    if (left(mine) > 0 && !mustWait) return;
    const error = await failing;
    if (error && left(mine) <= 0 && !isOver(error)) throw error;
  }

  async function request(input, init = {}) {
    const isRequest = typeof input.clone === "function";
    const target = new URL(isRequest ? input.url : input, here);
    if (target.origin !== origin)
      throw new GatepassError("foreign_origin", `${target.origin} is not the origin of base`);
    const isStream = init.body?.getReader || Symbol.asyncIterator in Object(init.body);
    const mine = own;
    if (!cookies && !mine.access) throw nobody();
    await pin(mine).catch((error) => {
      if (!isOver(error)) throw error; // without a session the server decides
    });
    await renewInTime(mine, isStream);
    const {renewals} = mine;
    const again = isRequest ? input.clone() : target;
    let response = await send(isRequest ? input : target, init, mine);
    let error = await findError(response);
    if (error?.code === "token_expired") {
      if (isStream) expireIn(mine, 0, 0); // the next request renews the session first
      else {
        if (mine.renewals === renewals) await renew(mine);
        response = await send(again, init, mine);
        error = await findError(response);
      }
    }
    if (error) throw await explain(error, mine);
    return response;
  }

  const ask = async (method, path) => readJson(await request(root + path, {method}));

  function end(mine) {
    mine.over = nobody();
    if (!cookies) own = {device: mine.device};
  }

  // What a page calls

  async function session() {
    const mine = own;
    try {
      const claims = await ask("GET", "/me");
      if (mine.sid && mine.sid !== claims.sid) throw changed();
      mine.sid = claims.sid;
      const life = (claims.exp - claims.iat) * 1000;
      const rest = claims.exp * 1000 - Date.now();
      if (!mine.ends) expireIn(mine, Math.max(0, Math.min(life, rest)), life);
      return claims;
    } catch (error) {
      if (isOver(error)) return null;
      throw error;
    }
  }

  async function logIn(username, password) {
    const body = {username, password, cookies, device_token: own.device};
    entering = true;
    try {
      if (cookies) {
        // A late answer to a refresh of the old session would replace the new cookies.
        tell({isBusy: true, asks: true});
        await pause(JITTER_MS);
        await waitWhile(() => refreshing || othersAreBusy());
      }
      const answer = await call("POST", "/login", {}, body, 1);
      const mine = {device: answer.device_token ?? own.device};
      keep(mine, read(answer));
      own = mine;
    } finally {
      entering = false;
      tell({isBusy: false});
    }
    const claims = await session(); // the cookies may be those of another login already
    if (!claims) throw changed();
    return claims;
  }

  async function logOut() {
    const mine = own;
    try {
      await pin(mine);
      if (!cookies && !mine.access) return;
      await mine.renewing?.catch(() => {}); // its answer would set cookies again
      await call("POST", "/logout", mine);
    } catch (error) {
      const reason = await explain(error, mine);
      if (!isOver(reason)) throw reason;
    }
    end(mine);
  }

  async function logOutEverywhere() {
    const mine = own;
    const {revoked} = await ask("POST", "/logout-all");
    end(mine);
    return revoked;
  }

  const sessions = async () => (await ask("GET", "/sessions")).sessions;

  return {logIn, logOut, logOutEverywhere, session, sessions, fetch: request};
}
