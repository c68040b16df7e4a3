import type { Introduction } from "../hub/hub.ts";

/** Whether a client that came over TCP may come in. */
export type Admission =
  | {
    readonly ok: true;
    /** What its token says of it, such as its name. */
    readonly introduction?: Partial<Introduction>;
  }
  | {
    readonly ok: false;
    /** A sentence for the client. */
    readonly reason: string;
  };

/**
 * Decides about a client, by its address and the token it gave. It is asked without a token first;
 * when the answer is no, the client is told the reason and has one line to give its token in.
 */
export type Admit = (
  address: string,
  token: string | undefined,
) => Admission | Promise<Admission>;

/** Lets everybody in: the hub has no tokens. */
export const admitAll: Admit = () => ({ ok: true });

/** The token of `/token SECRET` or `/login SECRET`. */
export function tokenOf(line: string): string | undefined {
  return /^\/(?:token|login)\s+(\S+)\s*$/i.exec(line)?.[1];
}

/** Whether a client begins to speak TLS: a record of type 22, version 3 (RFC 8446 section 5.1). */
export function isTls(firstBytes: Uint8Array): boolean {
  return firstBytes[0] === 22 && (firstBytes.length < 2 || firstBytes[1] === 3);
}

/**
 * Whether a client took the port for a web server. A page can make its browser send such a request
 * to any port, and the body would become messages.
 */
export function isHttp(firstLine: string): boolean {
  return /^[A-Z]+ \S+ HTTP\/[0-9.]+$/.test(firstLine);
}
