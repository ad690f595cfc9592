/** The claims of an access token: those of gatepass, and those that the application added. */
export interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly iat: number;
  readonly exp: number;
  readonly [claim: string]: unknown;
}

/** One entry in the list of sessions; times in seconds since 1970. */
export interface SessionInfo {
  readonly session_id: string;
  readonly device: string | null;
  readonly client_id: string | null;
  readonly created_at: number;
  readonly last_used_at: number;
  readonly expires_at: number;
  readonly current: boolean;
}

/** Codes of this module's own errors. */
export type ClientCode = "session_changed" | "foreign_origin" | "redirected" | "unreachable";

/** Codes of the server's refusals. */
export type ServerCode =
  | "token_missing"
  | "token_expired"
  | "token_revoked"
  | "token_invalid"
  | "invalid_credentials"
  | "password_wrong"
  | "password_rejected"
  | "refresh_missing"
  | "refresh_invalid"
  | "refresh_expired"
  | "refresh_revoked"
  | "refresh_reused"
  | "csrf_failed"
  | "insufficient_scope"
  | "insufficient_user_authentication"
  | "https_required"
  | "session_unknown"
  | "invalid_request"
  | "rate_limited"
  | "store_unavailable"
  | "not_found"
  | "method_not_allowed"
  | "internal_error";

export declare class GatepassError extends Error {
  /** Compare this; the message is for people. Applications may answer codes of their own. */
  readonly code: ClientCode | ServerCode | (string & {});
  readonly status: number | undefined;
  /** Seconds after which repeating may help. */
  readonly retryAfter: number | undefined;
  readonly response: Response | undefined;
}

export interface Options {
  /** The address of the auth routes, such as "/auth" or "https://id.example.com/auth". */
  base: string | URL;
  /** "cookie" by default: no script sees a token. "bearer": tokens are in memory only. */
  mode?: "cookie" | "bearer";
}

export interface Client {
  /** Opens a session for this client; its claims. */
  logIn(username: string, password: string): Promise<Claims>;
  /** Ends the session. After an error it goes on: call again. */
  logOut(): Promise<void>;
  /** Ends every session of the user; how many there were. */
  logOutEverywhere(): Promise<number>;
  /** The claims of the session, or null if there is none or it has ended. */
  session(): Promise<Claims | null>;
  /** The user's sessions, newest first. */
  sessions(): Promise<SessionInfo[]>;
  /** Like the platform's fetch, with the session; rejects refusals as GatepassError. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

export declare function createClient(options: Options): Client;
