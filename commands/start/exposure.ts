import { isLoopback } from "../../lib/net.ts";

/** What decides whether a hub is open to others than those who are meant. */
export interface Exposure {
  /** What it listens on. */
  readonly host: string;
  /** Whether nobody comes in without a token. */
  readonly guarded: boolean;
  /** Whether what travels is encrypted. */
  readonly secure: boolean;
  /** The port of the line door, if there is one. */
  readonly tcpPort?: number | undefined;
}

interface Warning {
  readonly applies: (exposure: Exposure) => boolean;
  readonly sentence: string;
}

/** Every way to be open; more are a line each. */
const WARNINGS: readonly Warning[] = [
  {
    applies: ({ guarded }) => !guarded,
    sentence: "Anybody who can reach this address may read and write here: there is no token.",
  },
  {
    applies: ({ guarded }) => !guarded,
    sentence: "bcast token secret FILE makes one, and --token-file FILE asks for it.",
  },
  {
    applies: ({ secure }) => !secure,
    sentence: "Nothing is encrypted: --tls-self-signed changes that, or --tls-cert and --tls-key.",
  },
  {
    // Where nothing is, the sentence before says so.
    applies: ({ secure, tcpPort }) => secure && tcpPort !== undefined,
    sentence: "Lines over --tcp are never encrypted, nor are the tokens that come with them.",
  },
];

/** What to tell whoever starts a hub about who can come in; nothing of one on this machine alone. */
export function exposureWarnings(exposure: Exposure): readonly string[] {
  if (isLoopback(exposure.host)) return [];
  const sentences = WARNINGS.filter(({ applies }) => applies(exposure))
    .map(({ sentence }) => sentence);
  if (sentences.length === 0) return [];
  return [...sentences, "--host localhost keeps it to this machine."];
}
