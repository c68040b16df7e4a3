import { getLogger } from "@logtape/logtape";
import { type Authorizer, combineAuthorizers, OPEN } from "../../auth/authorizer.ts";
import { JwtAuthorizer } from "../../auth/jwt.ts";
import {
  KeyError,
  parsePublicKeys,
  parseSecrets,
  secretKey,
  type VerificationKey,
} from "../../auth/keys.ts";
import { MIN_UNGUESSABLE_LENGTH, SecretAuthorizer } from "../../auth/secrets.ts";
import { isNetwork } from "../../server/http/proxies.ts";
import { readHostPattern } from "../../server/http/hosts.ts";
import { readOrigin } from "../../server/http/origin.ts";
import { visible } from "../../protocol.ts";
import { CliError, UsageError } from "../../cli/errors.ts";
import { isReadableByOthers, readSmallFile } from "../../cli/read_file.ts";
import { steadyClock } from "../../lib/steady_clock.ts";
import { watchFiles } from "../../lib/watch_files.ts";
import { type FlagValues, list, text } from "../../cli/flags.ts";
import { checkedToken, readTokens } from "../../cli/token_file.ts";

const logger = getLogger(["bcast", "access"]);

const GROUP = "Authentication";

export const JWT_FLAGS = {
  jwtSecretFile: text({
    placeholder: "FILE",
    help: "Accept JWTs signed with a secret from FILE",
    group: GROUP,
  }),
  jwtKey: list({
    fallback: [],
    placeholder: "FILE",
    expects: "a file",
    accepts: (path) => path !== "",
    help: "Accept JWTs verified by this public key (repeatable)",
    group: GROUP,
  }),
  jwtIssuer: text({
    placeholder: "TEXT",
    help: "Accept only JWTs with this issuer (iss)",
    group: GROUP,
  }),
  jwtAudience: text({
    placeholder: "TEXT",
    help: "Accept only JWTs for this audience (aud)",
    group: GROUP,
  }),
  jwtName: text({
    fallback: "sub",
    placeholder: "CLAIM",
    help: "JWT claim that holds the user's name",
    group: GROUP,
  }),
};

export const ACCESS_FLAGS = {
  token: text({
    placeholder: "TOKEN",
    secret: true,
    help: "Require this secret; --token-file or BCAST_TOKEN is safer",
    group: GROUP,
  }),
  tokenFile: text({
    placeholder: "FILE",
    help: "Require a secret from FILE, one per line",
    group: GROUP,
  }),
  ...JWT_FLAGS,
  adminTokenFile: text({
    placeholder: "FILE",
    help: "Tokens in FILE grant moderator rights",
    group: GROUP,
  }),
  origin: list({
    fallback: [],
    placeholder: "ORIGIN",
    defaultText: "the hub's own",
    expects: "an origin such as https://chat.example.org, or null, or * for all",
    accepts: (origin) => readOrigin(origin) !== undefined,
    help: "Origin of web pages that may connect (repeatable)",
    group: GROUP,
  }),
  allowedHost: list({
    fallback: [],
    placeholder: "NAME",
    defaultText: "localhost, this machine's",
    expects: "a host name such as chat.example.org or *.example.org, without a port, or * for all",
    accepts: (name) => readHostPattern(name) !== undefined,
    help: "Host name that the hub answers to (repeatable)",
    group: GROUP,
  }),
  trustProxy: list({
    fallback: [],
    placeholder: "CIDR",
    expects: "an address or a network, such as 127.0.0.1 or 10.0.0.0/8",
    accepts: isNetwork,
    help: "Proxy whose X-Forwarded-* headers are trusted (repeatable)",
    group: GROUP,
  }),
};

type JwtValues = FlagValues<typeof JWT_FLAGS>;
type AccessValues = FlagValues<typeof ACCESS_FLAGS>;

/** The authentication of a hub. It follows changes of its files, until disposed. */
export interface AuthConfig extends Disposable {
  readonly authorizer: Authorizer;
}

/**
 * Loads the authentication files, and reloads them when they change, for new connections. If a reload
 * fails, the previous settings stay.
 *
 * @throws {CliError} for an invalid flag or file.
 */
export async function openAuth(flags: AccessValues): Promise<AuthConfig> {
  let current = await loadAuthorizer(flags);
  const paths = filesOf(flags);
  for (const path of secretFilesOf(flags)) {
    if (await isReadableByOthers(path)) {
      logger.warn("Other users of this machine can read {path}. Run: chmod 600 {path}", { path });
    }
  }
  const watch = paths.length === 0 ? undefined : watchFiles(paths, steadyClock, async () => {
    try {
      current = await loadAuthorizer(flags);
      logger.info("Reloaded the authentication files");
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      logger.error("{problem}. The previous authentication settings stay in force", {
        problem: error.message,
      });
    }
  });
  return {
    authorizer: {
      required: current.required,
      get grantsAdmin(): boolean {
        return current.grantsAdmin ?? false;
      },
      authorize: (token, now) => current.authorize(token, now),
    },
    [Symbol.dispose]: () => watch?.[Symbol.dispose](),
  };
}

/** The authorizer for JSON Web Tokens, if the flags name a key. */
export async function loadJwt(flags: JwtValues): Promise<JwtAuthorizer | undefined> {
  const { jwtSecretFile, jwtKey, jwtIssuer, jwtAudience, jwtName } = flags;
  const keys: VerificationKey[] = [];
  if (jwtSecretFile !== undefined) {
    const secrets = await readKeys(jwtSecretFile, "--jwt-secret-file", parseSecrets);
    keys.push(...secrets.map(secretKey));
  }
  for (const path of jwtKey) {
    keys.push(...await readKeys(path, "--jwt-key", parsePublicKeys));
  }
  if (keys.length > 0) {
    return new JwtAuthorizer({
      keys,
      nameClaim: jwtName,
      ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
      ...(jwtAudience === undefined ? {} : { audience: jwtAudience }),
    });
  }
  if (jwtIssuer !== undefined || jwtAudience !== undefined) {
    throw new UsageError(
      "--jwt-issuer and --jwt-audience need a key. Add --jwt-secret-file or --jwt-key",
    );
  }
  return undefined;
}

/**
 * Reads and parses a file of keys.
 *
 * @param flag the flag that names the file, for errors.
 * @throws {CliError} if it is unreadable or invalid.
 */
export async function readKeys<T>(
  path: string,
  flag: string,
  parse: (text: string) => T,
): Promise<T> {
  const contents = await readSmallFile(path, "the key file", `Check ${flag}`);
  try {
    return parse(contents);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new CliError(`Cannot use ${visible(path)}: ${error.message}`, 1, { cause: error });
  }
}

async function loadAuthorizer(flags: AccessValues): Promise<Authorizer> {
  const { token, tokenFile, adminTokenFile } = flags;
  const secrets = token === undefined ? [] : [checkedToken(token, "The token of --token")];
  if (tokenFile !== undefined) secrets.push(...await readTokens(tokenFile));
  if (secrets.some((secret) => secret.length < MIN_UNGUESSABLE_LENGTH)) {
    logger.warn("The token is short and could be guessed. Create one with bcast token secret");
  }
  const authorizers: Authorizer[] = [];
  if (adminTokenFile !== undefined) {
    const admins = await readTokens(adminTokenFile, {
      what: "the admin token file",
      flag: "--admin-token-file",
    });
    authorizers.push(new SecretAuthorizer(admins, { admin: true }));
  }
  const open = secrets.length === 0 && flags.jwtSecretFile === undefined &&
    flags.jwtKey.length === 0;
  if (secrets.length > 0) authorizers.push(new SecretAuthorizer(secrets));
  const jwt = await loadJwt(flags);
  if (jwt !== undefined) authorizers.push(jwt);
  return authorizers.length === 0 ? OPEN : combineAuthorizers(authorizers, { open });
}

function secretFilesOf({ tokenFile, adminTokenFile, jwtSecretFile }: AccessValues): string[] {
  return [tokenFile, adminTokenFile, jwtSecretFile].filter((path) => path !== undefined);
}

function filesOf(flags: AccessValues): readonly string[] {
  return [...secretFilesOf(flags), ...flags.jwtKey];
}
