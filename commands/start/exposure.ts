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
    sentence: "No token is required: every client that can reach this address may read and write.",
  },
  {
    applies: ({ guarded }) => !guarded,
    sentence: "Create a token with bcast token secret FILE, and require it with --token-file FILE.",
  },
  {
    applies: ({ secure }) => !secure,
    sentence: "Traffic is not encrypted: use --tls-self-signed, or --tls-cert and --tls-key.",
  },
  {
    // Where nothing is, the sentence before says so.
    applies: ({ secure, tcpPort }) => secure && tcpPort !== undefined,
    sentence: "Traffic on the --tcp port is never encrypted, tokens included.",
  },
];

/** What to tell whoever starts a hub about who can come in; nothing of one on this machine alone. */
export function exposureWarnings(exposure: Exposure): readonly string[] {
  if (isLoopback(exposure.host)) return [];
  const sentences = WARNINGS.filter(({ applies }) => applies(exposure))
    .map(({ sentence }) => sentence);
  if (sentences.length === 0) return [];
  return [...sentences, "To accept only clients on this machine, use --host localhost."];
}
