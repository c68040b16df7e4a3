import {
  type ErrorCode,
  type ErrorFrame,
  isTemporary,
  type Ref,
  type RequestType,
} from "../protocol.ts";

/** Why a request is rejected. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** The type, room and reference of the request. */
  readonly re?: RequestType | undefined;
  readonly room?: string | undefined;
  readonly ref?: Ref | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

/** The frame that tells the client. */
export function errorFrame({ code, message, re, room, ref, retryAfter }: Refusal): ErrorFrame {
  return {
    type: "error",
    code,
    message,
    ...(re === undefined ? {} : { re }),
    ...(room === undefined ? {} : { room }),
    ...(ref === undefined ? {} : { ref }),
    final: retryAfter === undefined && !isTemporary(code),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}
