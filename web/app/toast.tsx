import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Milliseconds that it stays. */
const SHOWN_FOR = 3500;

/** A word on what was just done; another object each time. */
export interface ToastWords {
  readonly words: string;
}

/** Shows a word for a moment. */
export function Toast({ toast }: { readonly toast: ToastWords | undefined }): VNode {
  const [gone, setGone] = useState<ToastWords | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => setGone(toast), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [toast]);
  const shown = toast !== undefined && toast !== gone;
  return (
    <div class={`toast ${shown ? "shown" : ""}`} role="status" dir="auto">
      {shown ? toast.words : ""}
    </div>
  );
}
