import { defineGroup } from "../cli/group.ts";
import { tokenInspect } from "./token_inspect.ts";
import { tokenMint } from "./token_mint.ts";
import { tokenSecret } from "./token_secret.ts";

/** `bcast token`. */
export const token = defineGroup({
  name: "token",
  summary: "Make and read what lets people in",
  about: "Makes secrets, makes JSON Web Tokens with them or with a private key, and tells what a " +
    "token says and whether a hub would take it. None of it needs a hub.",
  commands: { mint: tokenMint, inspect: tokenInspect, secret: tokenSecret },
  examples: [
    ["token secret tokens.txt", "A secret for bcast start --token-file tokens.txt"],
    ["token secret jwt.txt", "A secret to sign tokens with"],
    ["token mint --secret-file jwt.txt --sub Alice", "A token that makes its bearer Alice"],
    ["token inspect --jwt-secret-file jwt.txt < alice.jwt", "What does it say, and is it good?"],
  ],
});
