import { defineGroup } from "../cli/command.ts";
import { tokenInspect } from "./token_inspect.ts";
import { tokenMint } from "./token_mint.ts";
import { tokenSecret } from "./token_secret.ts";

/** `bcast token`. */
export const token = defineGroup({
  name: "token",
  summary: "Create and inspect access tokens",
  description:
    "Creates secrets, creates JSON Web Tokens signed with a secret or a private key, and " +
    "shows what a token says and whether a hub would accept it. These commands need no hub.",
  commands: { mint: tokenMint, inspect: tokenInspect, secret: tokenSecret },
  examples: [
    ["token secret tokens.txt", "Create a secret for bcast start --token-file"],
    ["token secret jwt.txt", "Create a secret to sign tokens with"],
    ["token mint --secret-file jwt.txt --sub Alice", "Create a token for the user Alice"],
    ["token inspect --jwt-secret-file jwt.txt < alice.jwt", "Check a token"],
  ],
});
