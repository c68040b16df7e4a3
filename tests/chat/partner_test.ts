import { assert, assertEquals } from "@std/assert";
import {
  isNewDoubt,
  type Partner,
  partnerCame,
  partnerConfirmed,
  partnerLeft,
  partnerMissing,
  partnerTaken,
  partnerUnknown,
  partnerWrote,
  UNKNOWN_PARTNER,
} from "../../chat/partner.ts";

const HERE = partnerCame(UNKNOWN_PARTNER, 0);
const VERIFIED = partnerWrote(UNKNOWN_PARTNER, true, 0);

function isDoubtful({ doubtful }: Partner): boolean {
  return doubtful === true;
}

Deno.test("a name whose user left belongs to another person, unless a token proved it", () => {
  for (const [partner, expected] of [[HERE, true], [VERIFIED, false]] as const) {
    const back = partnerCame(partnerLeft(partner), 1);
    assertEquals(isDoubtful(back), expected);
    assertEquals(isNewDoubt(partnerLeft(partner), back), expected);
    assertEquals(isDoubtful(partnerTaken(partnerLeft(partner))), expected);
    assertEquals(isDoubtful(partnerUnknown(partner)), expected);
  }
  assert(isDoubtful(partnerTaken(UNKNOWN_PARTNER)));
  // The same rename, in another room.
  assertEquals(partnerTaken(HERE), HERE);
  assert(!isDoubtful(HERE) && !isDoubtful(partnerCame(HERE, 1)));
});

Deno.test("a person may return up to 30 seconds after the user's own reconnect", () => {
  const missing = partnerMissing(HERE, 1000);
  assert(!isDoubtful(partnerCame(missing, 31_000)));
  assert(isDoubtful(partnerCame(missing, 31_001)));
  // A person who was never seen is not missed.
  assertEquals(partnerMissing(UNKNOWN_PARTNER, 0), UNKNOWN_PARTNER);
  assertEquals(partnerMissing(partnerLeft(HERE), 0).presence, "gone");
  const elsewhere = partnerWrote(UNKNOWN_PARTNER, false, 0);
  assert(!isDoubtful(partnerCame(partnerMissing(elsewhere, 1000), 60_000)));
});

Deno.test("a message tells whether its sender is the same person", () => {
  assert(!isDoubtful(partnerWrote(HERE, false, 0)));
  assert(isDoubtful(partnerWrote(partnerLeft(HERE), false, 0)));
  // The first proof says nothing about earlier messages.
  const first = partnerWrote(partnerLeft(HERE), true, 0);
  assert(isDoubtful(first));
  assert(!isDoubtful(partnerWrote(first, true, 0)));
  assert(isDoubtful(partnerWrote(VERIFIED, false, 0)));
  assert(!isDoubtful(partnerWrote(partnerLeft(VERIFIED), true, 0)));
});

Deno.test("a doubt is told once for each change, until the user confirms it", () => {
  const back = partnerCame(partnerLeft(HERE), 1);
  assert(!isNewDoubt(back, partnerCame(back, 2)));
  const again = partnerLeft(back);
  assert(isNewDoubt(again, partnerCame(again, 3)));
  assert(!isDoubtful(partnerConfirmed(back)));
  assert(!isDoubtful(partnerCame(partnerConfirmed(back), 4)));
});
