import { expect, type JsonFrame, Peer } from "./peer.ts";

/** One rule of the protocol. */
export interface Check {
  /** The rule, as a sentence. */
  readonly name: string;
  /** Returns what was seen, in a few words. Throws a `Violation`. */
  run(context: CheckContext): Promise<string>;
}

/** The hub under test. */
export interface HubUnderTest {
  /** `ws://` or `wss://`, without a query. */
  readonly url: string;
  /** Used in turn for the clients of a check; those of different people show most. */
  readonly tokens: readonly string[];
  /** Called with each object that a v1 client gets. */
  readonly onFrame?: (text: string) => void;
}

/** A client that has said hello, in one room that it has caught up with. */
export interface Member {
  readonly peer: Peer;
  readonly welcome: JsonFrame;
  readonly joined: JsonFrame;
}

/** What one check has opened. */
export class CheckContext implements AsyncDisposable {
  readonly #peers: Peer[] = [];
  readonly #mark = crypto.randomUUID().slice(0, 8);
  #count = 0;

  constructor(readonly target: HubUnderTest) {}

  /** A name that nothing else has: of a room, or of a person. */
  unique(what = "room"): string {
    return `${what}-${this.#mark}-${++this.#count}`;
  }

  /** The token for the next client, if any. */
  get token(): string | undefined {
    const { tokens } = this.target;
    return tokens[this.#peers.length % Math.max(tokens.length, 1)];
  }

  /** A connection that has not said anything. */
  connect(protocols: readonly string[], query: Readonly<Record<string, string>> = {}): Peer {
    const url = new URL(this.target.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const isV1 = protocols.includes("bcast.v1");
    const peer = new Peer(url.href, protocols, isV1 ? this.target.onFrame : undefined);
    this.#peers.push(peer);
    return peer;
  }

  /** A v1 client that has said hello. */
  async v1(hello: JsonFrame = {}): Promise<{ readonly peer: Peer; readonly welcome: JsonFrame }> {
    // Checks resume only the session of their first client.
    const token = hello["session"] === undefined ? this.token : this.target.tokens[0];
    const peer = this.connect(["bcast.v1"]);
    await peer.opened();
    peer.send({
      type: "hello",
      sender: this.unique("person"),
      ...(token === undefined ? {} : { token }),
      ...hello,
    });
    return { peer, welcome: await peer.next("welcome") };
  }

  /** A v1 client in a room that it has caught up with. */
  async member(position: JsonFrame, hello: JsonFrame = {}): Promise<Member> {
    const { peer, welcome } = await this.v1({ rooms: [position], ...hello });
    const joined = await peer.next("joined");
    await peer.next("live");
    return { peer, welcome, joined };
  }

  /** A client without a subprotocol. */
  async plain(room: string, query: Readonly<Record<string, string>> = {}): Promise<Peer> {
    const { token } = this;
    const peer = this.connect([], {
      room,
      sender: this.unique("person"),
      ...(token === undefined ? {} : { token }),
      ...query,
    });
    await peer.opened();
    return peer;
  }

  /** A request to the HTTP API. */
  async http(path: string, init: RequestInit = {}): Promise<{ status: number; body: JsonFrame }> {
    const base = this.target.url.replace(/^ws/, "http").replace(/\/(?:ws)?$/, "");
    const headers = new Headers(init.headers);
    const [token] = this.target.tokens;
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(base + path, { ...init, headers });
    const body: unknown = await response.json();
    expect(typeof body === "object" && body !== null, `${path} answers with no JSON object`);
    return { status: response.status, body };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.close()));
  }
}

/** Publishes messages of one person, one after the other; returns their ids. */
export async function publish(
  peer: Peer,
  room: string,
  texts: readonly string[],
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const message of texts) {
    const ack = await peer.ask({ type: "message", room, message });
    expect(ack["type"] === "ack", `a message is answered with ${JSON.stringify(ack)}`);
    ids.push(ack["id"]);
  }
  return ids;
}
