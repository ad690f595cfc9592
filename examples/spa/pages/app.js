import {GatepassError, createClient} from "/auth/client.js";

const gate = createClient({base: "/auth"});
const find = (id) => document.getElementById(id);
let socket;

// What to tell people; every other code is shown as the error's own sentence.
const SENTENCES = {
  invalid_credentials: "User name or password is wrong.",
  unreachable: "The server cannot be reached. You are still signed in.",
  store_unavailable: "The server is busy. Try again in a moment.",
};

function tell(text) {
  find("status").textContent = text;
}

function showSignIn() {
  socket?.close();
  find("account").hidden = true;
  find("sign-in").hidden = false;
}

async function showAccount(claims) {
  find("sign-in").hidden = true;
  find("account").hidden = false;
  find("name").textContent = claims.username;
  connect();
  await showSessions();
}

async function showSessions() {
  const entries = (await gate.sessions()).map((session) => {
    const item = document.createElement("li");
    const used = new Date(session.last_used_at * 1000).toLocaleString();
    item.textContent = `${session.device ?? "Unknown device"}, last used ${used} `;
    if (session.current) item.append("(this one)");
    else item.append(makeButton(session));
    return item;
  });
  find("sessions").replaceChildren(...entries);
}

function makeButton({session_id: id, device}) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Sign out there";
  button.setAttribute("aria-label", `Sign out there: ${device ?? "unknown device"}`);
  button.onclick = () =>
    run(async () => {
      await gate.fetch(`/auth/sessions/${id}`, {method: "DELETE"});
      tell("That session has ended.");
      await showSessions();
    });
  return button;
}

// The server closes the websocket with the session, and when the access token expires.
function connect() {
  socket?.close();
  const opened = (socket = new WebSocket(new URL("/api/live", location.href)));
  opened.onmessage = () => (find("live").textContent = "open");
  opened.onclose = ({reason}) => {
    if (opened !== socket) return;
    find("live").textContent = "closed";
    if (find("account").hidden) return;
    run(async () => {
      if (!reason.startsWith("token_")) await new Promise((done) => setTimeout(done, 3000));
      if (await gate.session()) connect();
      else signedOut();
    });
  };
}

function signedOut() {
  showSignIn();
  tell("You have been signed out.");
}

async function run(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof GatepassError)) tell("The request failed. Try again.");
    else if (error.code === "session_changed") location.reload();
    else if (/^(token|refresh)_/.test(error.code)) signedOut();
    else if (error.code === "rate_limited") tell(`Try again in ${error.retryAfter} seconds.`);
    else tell(SENTENCES[error.code] ?? error.message);
  }
}

function onSubmit(id, action) {
  find(id).addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => action(event.target.elements, event.target));
  });
}

onSubmit("sign-in", async ({username, password}, form) => {
  const claims = await gate.logIn(username.value, password.value);
  form.reset();
  tell("You are signed in.");
  await showAccount(claims);
  document.querySelector("h1").focus();
});

onSubmit("upload", async ({file}) => {
  // A File can be sent again, so that the upload survives the expiry of the access token.
  const response = await gate.fetch("/api/uploads", {method: "POST", body: file.files[0]});
  tell(response.ok ? `Uploaded ${(await response.json()).bytes} bytes.` : "The upload failed.");
});

find("sign-out").onclick = () => run(async () => signedOut(await gate.logOut()));
find("sign-out-everywhere").onclick = () => run(async () => signedOut(await gate.logOutEverywhere()));

run(async () => {
  const claims = await gate.session();
  if (claims) await showAccount(claims);
  else showSignIn();
});
