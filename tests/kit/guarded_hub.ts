import { combineAuthorizers } from "../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken, type TokenClaims } from "../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../auth/keys.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import type { Server } from "../../server.ts";
import { type ReceivedFrame, TestSocket } from "./test_socket.ts";
import { startTestHub, type TestHubOptions } from "./test_hub.ts";

const SECRET = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
/** A shared secret of the hub. */
export const SHARED = "a-shared-secret-of-the-hub";

/** A hub that accepts tokens from `tokenFor()`, and `SHARED`. */
export function startGuardedHub(options: TestHubOptions = {}): Promise<Server> {
  return startTestHub({
    authorizer: combineAuthorizers([
      new SecretAuthorizer([SHARED]),
      new JwtAuthorizer({ keys: [secretKey(SECRET)] }),
    ]),
    ...options,
  });
}

/** A token with these claims, valid for the guarded hub. */
export function tokenFor(
  claims: Omit<TokenClaims, "issuedAt"> & { readonly issuedAt?: number },
): Promise<string> {
  return mintToken(signingSecret(SECRET), { issuedAt: Date.now(), ...claims });
}

/** Sends `frame` and returns `ok`, or the error. */
export async function answerTo(socket: TestSocket, frame: object): Promise<string> {
  const before = socket.frames.length;
  socket.send(frame);
  const ref = `end ${before}`;
  socket.send({ type: "ping", ref });
  await socket.next("pong", (pong) => pong["ref"] === ref);
  const answers = socket.frames.slice(before).map((text): ReceivedFrame => JSON.parse(text));
  const error = answers.find(({ type }) => type === "error");
  return error === undefined ? "ok" : `${error["code"]}: ${error["message"]}`;
}
