import {
  GatepassError,
  createClient,
  type Claims,
  type Client,
  type SessionInfo,
} from "../../../src/gatepass/gate/client/gatepass.js";

const client: Client = createClient({base: "/auth"});
createClient({base: new URL("https://id.example.com/auth"), mode: "bearer"});

export async function signIn(username: string, password: string): Promise<string> {
  try {
    const claims: Claims = await client.logIn(username, password);
    return claims.sub;
  } catch (error) {
    if (!(error instanceof GatepassError)) throw error;
    if (error.code === "session_changed") location.reload();
    return error.code === "rate_limited" ? `wait for ${error.retryAfter ?? 1} s` : error.message;
  }
}

export async function show(): Promise<SessionInfo[]> {
  const claims = await client.session();
  if (claims === null) return [];
  const response = await client.fetch("/orders", {method: "POST", body: new FormData()});
  const orders: unknown = await response.json();
  console.log(claims.role, orders);
  const ended: number = await client.logOutEverywhere();
  await client.logOut();
  return ended ? client.sessions() : [];
}

// @ts-expect-error: there is no third mode
createClient({base: "/auth", mode: "local"});
// @ts-expect-error: the address of the auth routes is needed
createClient({});
// @ts-expect-error: a session may be missing
(await client.session()).sub;
