import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Milliseconds for which the toast stays. */
const SHOWN_FOR = 3500;

/** A short confirmation of an action; each one is a new object. */
export interface ToastWords {
  readonly words: string;
}

/** Shows a short confirmation. */
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
