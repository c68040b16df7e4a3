import { isUnspecified } from "../../lib/net.ts";
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { fromPrivateKey } from "../../auth/keys.ts";
import {
  type CertificateFacts,
  checkPair,
  day,
  type KeyPair,
  KeyPairError,
  type PairNames,
} from "../../server/transports/tls.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { steadyClock } from "../../lib/steady_clock.ts";
import { lanAddresses } from "./banner.ts";
import { CliError, UsageError } from "../../cli/errors.ts";
import { readErrorText, replaceFile } from "../../lib/files.ts";
import * as flag from "../../cli/flags.ts";
import { watchFiles } from "../../lib/watch_files.ts";

const logger = getLogger(["bcast", "tls"]);

const DAY = 86_400_000;

/** Days before its expiry from which a warning is logged daily. */
const WARN_DAYS = 14;

/** Days before its expiry from which a start of the hub replaces a self-signed pair. */
const RENEW_DAYS = 30;

const TLS = "TLS";

export const TLS_FLAGS = {
  tlsCert: flag.text({
    placeholder: "FILE",
    help: "Certificate chain (PEM) for wss://; reloaded when it changes",
    group: TLS,
  }),
  tlsKey: flag.text({
    placeholder: "FILE",
    help: "Private key of the certificate (PEM, no password)",
    group: TLS,
  }),
  tlsSelfSigned: flag.toggle({
    help: "Create a self-signed certificate and use it",
    group: TLS,
  }),
};

export type TlsFlags = flag.FlagValues<typeof TLS_FLAGS>;

/** The certificate and key of a hub. */
export interface TlsSource {
  /** The current pair. */
  readonly pair: KeyPair;
  readonly facts: CertificateFacts;
  /** Clients can only verify it by its fingerprint. */
  readonly selfSigned: boolean;
  /** Reloads the pair and passes it on. If it is invalid, logs that and changes nothing. */
  readonly reload: (use: (pair: KeyPair) => Promise<void>) => Promise<void>;
  /** Calls `changed` when the files change, and warns before the certificate expires. */
  watch(changed: () => void): Disposable;
}

export interface TlsOptions {
  /** Where a self-signed pair is kept; without it, the pair is temporary. */
  readonly directory: string | undefined;
  /** The host that the hub listens on. */
  readonly host: string;
  readonly clock?: ServerClock;
}

/**
 * The pair that the flags select; `undefined` without TLS.
 *
 * @throws {CliError} for an unreadable or invalid file.
 */
export async function tlsSource(
  { tlsCert, tlsKey, tlsSelfSigned }: TlsFlags,
  options: TlsOptions,
): Promise<TlsSource | undefined> {
  if (tlsSelfSigned) {
    if (tlsCert !== undefined || tlsKey !== undefined) {
      throw new UsageError(
        "Cannot use --tls-self-signed with --tls-cert or --tls-key: leave one out",
      );
    }
    return await selfSigned(options);
  }
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError("--tls-cert and --tls-key must be used together. Give both");
  }
  return fileSource({ cert: tlsCert, key: tlsKey }, false, options.clock ?? steadyClock);
}

function fileSource(files: PairNames, isSelfSigned: boolean, clock: ServerClock): TlsSource {
  let { pair, facts } = readPair(files, clock.now());
  const warn = (): void => warnOfEnd(files.cert, facts.notAfter, clock.now());
  logger.info("Certificate {file}: {fingerprint}, valid until {end}", {
    file: files.cert,
    fingerprint: facts.fingerprint,
    end: day(facts.notAfter),
  });
  if (facts.isAuthority) {
    logger.warn(
      "{file} is a CA certificate (CA:TRUE), which most clients reject as a server certificate. " +
        "Create it with -addext basicConstraints=critical,CA:FALSE",
      { file: files.cert },
    );
  }
  warn();
  return {
    pair,
    facts,
    selfSigned: isSelfSigned,
    async reload(use) {
      let next: typeof facts;
      const before = pair;
      try {
        ({ pair, facts: next } = readPair(files, clock.now()));
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        logger.error("{error}. The hub keeps its current certificate", {
          error: error.message,
        });
        return;
      }
      if (pair.cert === before.cert && pair.key === before.key) {
        logger.info("Certificate {file} is unchanged", { file: files.cert });
        return;
      }
      facts = next;
      await use(pair);
      logger.info("Certificate {file} was replaced: {fingerprint}, valid until {end}", {
        file: files.cert,
        fingerprint: facts.fingerprint,
        end: day(facts.notAfter),
      });
      warn();
    },
    watch(changed) {
      const cancelDaily = clock.every(DAY, warn);
      const watching = watchFiles([files.cert, files.key], clock, changed);
      return {
        [Symbol.dispose]() {
          cancelDaily();
          watching[Symbol.dispose]();
        },
      };
    },
  };
}

/** @throws {CliError} */
function readPair(files: PairNames, now: number): { pair: KeyPair; facts: CertificateFacts } {
  const pair = { cert: readText(files.cert), key: fromPrivateKey(readText(files.key)) };
  try {
    return { pair, facts: checkPair(pair, files, now) };
  } catch (error) {
    if (!(error instanceof KeyPairError)) throw error;
    throw new CliError(error.message, undefined, { cause: error });
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const next = error instanceof Deno.errors.NotFound ? ". Check --tls-cert and --tls-key" : "";
    throw new CliError(`Cannot read "${path}": ${readErrorText(error)}${next}`, undefined, {
      cause: error,
    });
  }
}

function warnOfEnd(file: string, notAfter: number, now: number): void {
  const days = Math.floor((notAfter - now) / DAY);
  if (days > WARN_DAYS) return;
  const fields = { file, end: day(notAfter), days };
  if (days < 0) {
    logger.error("Certificate {file} expired on {end}: clients reject it. Replace it", fields);
  } else logger.warn("Certificate {file} expires in {days} days, on {end}. Replace it", fields);
}

/**
 * The pair in the data directory, or a new one if it is missing or about to expire. A change of the
 * machine's addresses does not replace it: clients verify its fingerprint, not its names.
 */
async function selfSigned(
  { directory, host, clock = steadyClock }: TlsOptions,
): Promise<TlsSource> {
  // Loaded on use: most hubs start without it.
  const { selfSignedPair } = await import("./self_signed.ts");
  const make = (): Promise<KeyPair> =>
    selfSignedPair({ names: ownNames(host), notBefore: clock.now() - DAY });
  if (directory === undefined) {
    const pair = await make();
    const names = { cert: "the self-signed certificate", key: "its key" };
    const facts = checkPair(pair, names, clock.now());
    return {
      pair,
      facts,
      selfSigned: true,
      reload: () => Promise.resolve(),
      watch: () => ({ [Symbol.dispose]: () => {} }),
    };
  }
  const files = { cert: join(directory, "tls-cert.pem"), key: join(directory, "tls-key.pem") };
  if (!lasts(files, clock.now())) {
    const pair = await make();
    // The key first: a certificate without its key would count as a damaged pair.
    await replaceFile(files.key, pair.key);
    await replaceFile(files.cert, pair.cert);
    logger.info("Created a self-signed certificate: {file}", { file: files.cert });
  }
  return fileSource(files, true, clock);
}

/** Whether there is a pair that is not about to expire. @throws {CliError} for a damaged one. */
function lasts(files: PairNames, now: number): boolean {
  try {
    Deno.statSync(files.cert);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    readPair(files, now + RENEW_DAYS * DAY);
    return true;
  } catch (error) {
    const { cause } = error instanceof CliError ? error : {};
    if (cause instanceof KeyPairError && cause.reason === "expired") return false;
    throw error;
  }
}

/** The names and addresses of this machine. */
function ownNames(host: string): readonly string[] {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = lanAddresses("::", Deno.networkInterfaces());
  return [
    ...new Set([
      "localhost",
      "127.0.0.1",
      "::1",
      ...addresses,
      ...isUnspecified(bare) ? [] : [bare],
    ]),
  ];
}
