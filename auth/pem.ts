/** A PEM text from its private key on: OpenSSL may put parameters before it, which the runtime stops at. */
export function fromPrivateKey(text: string): string {
  const at = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  return at === -1 ? text : text.slice(at);
}
