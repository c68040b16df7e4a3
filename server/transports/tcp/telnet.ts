/** The bytes of telnet that mean something here (RFC 854, RFC 860). */
export const TELNET = {
  /** The lowest byte that is a command after `iac`. */
  lowest: 236,
  endOfSubnegotiation: 240,
  interrupt: 244,
  areYouThere: 246,
  eraseLine: 248,
  subnegotiation: 250,
  will: 251,
  wont: 252,
  do: 253,
  dont: 254,
  /** Interpret as command: begins whatever is not text. */
  iac: 255,
  /** The option that is a question: has what came before been processed? */
  timingMark: 6,
} as const;
