// What a browser has and Node lacks: cookies, an Origin, and answers that can be held back.

export const SERVER = process.env.SERVER;
export const BASE = `${SERVER}/auth`;
export const PASSWORDS = {ada: "correct horse battery", grace: "staple lantern violet"};

const plainFetch = globalThis.fetch;

export class Browser {
  jar = new Map();
  isOffline = false;
  answerInstead = undefined; // (path) => Response, for a broken proxy
  onAnswer = async () => {}; // runs before the cookies of an answer are set
  requests = [];

  constructor() {
    globalThis.fetch = (input, init) => this.fetch(input, init);
  }

  async fetch(input, init = {}) {
    const request = new Request(input, {...init, duplex: "half"});
    const path = new URL(request.url).pathname;
    if (this.isOffline) throw new TypeError("fetch failed");
    this.requests.push(`${request.method} ${path}`);
    const replaced = this.answerInstead?.(path);
    if (replaced) return replaced;
    const withCookies = request.credentials === "include";
    request.headers.set("origin", "http://localhost:3000");
    if (withCookies) {
      const pairs = [...this.jar].filter(([, {path: at}]) => path.startsWith(at));
      const cookie = pairs.map(([name, {value}]) => `${name}=${value}`).join("; ");
      if (cookie) request.headers.set("cookie", cookie);
    }
    const response = await plainFetch(request);
    await this.onAnswer(path, response, request);
    if (withCookies) response.headers.getSetCookie().forEach((line) => this.#set(line));
    return response;
  }

  #set(line) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (/Max-Age=0/.test(line)) this.jar.delete(name);
    else this.jar.set(name, {value, path: /Path=([^;]*)/.exec(line)[1]});
  }
}

export async function control(steps = {}) {
  const response = await plainFetch(`${SERVER}/control`, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(steps),
  });
  return response.json();
}

export async function seen(path) {
  return (await control()).filter((each) => each.path === path);
}

export const until = async (condition) => {
  while (!(await condition())) await new Promise((done) => setTimeout(done, 5));
};
