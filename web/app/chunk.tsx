import type { RefObject, VNode } from "preact";
import { memo } from "./memo.ts";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { textWithoutData } from "../state/message_items.ts";
import { type MessageRow, rowsOf } from "../state/rows.ts";
import type { Choices } from "../state/settings.ts";
import type { ChatMessage, LogChunk as ChunkState, LogItem } from "../state/types.ts";
import { Avatar, hueOf } from "./avatar.tsx";
import { Icon } from "./icons.tsx";
import { RichText } from "./rich_text.tsx";
import { Sender, senderLabel } from "./sender.tsx";
import { dayName, Time } from "./time.tsx";

/** How far beyond the view messages are rendered. */
const MARGIN = "1200px 0px";

interface ChunkProps {
  readonly chunk: ChunkState;
  readonly before: LogItem | undefined;
  readonly newFrom: number | undefined;
  readonly times: Choices["times"];
  readonly now: number;
  /** Drawn wherever it is: the newest, and what is jumped to. */
  readonly forced: boolean;
  readonly view: RefObject<HTMLElement | null>;
  /** The height changed: the list corrects its scroll position. */
  readonly onResize: () => void;
}

/**
 * A stretch of messages. Far from the view it is an empty box of the height it had, so that ten
 * thousand messages cost no more than a few screens of them.
 */
export const Chunk = memo(function Chunk(props: ChunkProps): VNode {
  const { chunk, forced, view, onResize } = props;
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<number | undefined>(undefined);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new IntersectionObserver((entries) => {
      const entry = entries.at(-1);
      if (entry === undefined) return;
      setHeight(entry.isIntersecting ? undefined : entry.boundingClientRect.height);
    }, { root: view.current, rootMargin: MARGIN });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const away = height !== undefined && !forced;
  useLayoutEffect(onResize, [away]);
  return (
    <div ref={box} class="chunk" style={away ? { height: `${height}px` } : { height: "auto" }}>
      {away ? null : <Rows {...props} items={chunk.items} />}
    </div>
  );
});

function Rows(
  { items, before, newFrom, times, now }: ChunkProps & { readonly items: readonly LogItem[] },
): VNode {
  return (
    <>
      {rowsOf(items, before, newFrom).map((row) => (
        <RowView key={row.item.seq} row={row} times={times} now={now} />
      ))}
    </>
  );
}

function RowView({ row, times, now }: {
  readonly row: MessageRow;
  readonly times: Choices["times"];
  readonly now: number;
}): VNode {
  const { item, day, isNew, begins } = row;
  return (
    <>
      {day === undefined ? null : (
        <div class="day" role="separator">
          <span>{dayName(day, now)}</span>
        </div>
      )}
      {isNew
        ? (
          <div class="new-line" role="separator">
            <span>New messages</span>
          </div>
        )
        : null}
      {item.kind === "note"
        ? (
          <div class={`note ${item.tone}`} data-seq={item.seq}>
            <span dir="auto">{item.text}</span>
            <Time at={item.at} now={now} style={times} />
          </div>
        )
        : <SaidView said={item} begins={begins} times={times} now={now} />}
    </>
  );
}

function SaidView({ said, begins, times, now }: {
  readonly said: ChatMessage;
  readonly begins: boolean;
  readonly times: Choices["times"];
  readonly now: number;
}): VNode {
  const { seq, id, sender, verified, format, data, at, action, mine, mention } = said;
  const classes = [
    "said",
    mine ? "mine" : "theirs",
    begins ? "begins" : "",
    action ? "action" : "",
    mention ? "mention" : "",
  ];
  return (
    <article
      class={classes.join(" ")}
      data-seq={seq}
      data-id={id}
      tabIndex={-1}
      aria-label={senderLabel(sender, verified)}
    >
      {begins && !mine && !action ? <Avatar name={sender} /> : null}
      <div class="body">
        {begins && !action
          ? (
            <header>
              <Sender name={mine ? "You" : sender} verified={verified} class={hueOf(sender)} />
              <Time at={at} now={now} style={times} />
            </header>
          )
          : null}
        <div class="bubble">
          {action ? <Sender name={sender} verified={verified} class={hueOf(sender)} /> : null}
          <RichText text={textWithoutData(said)} format={format} data={data} />
        </div>
        <div class="tools">
          <button type="button" tabIndex={-1} data-do="quote" aria-label="Quote" title="Quote (Q)">
            <Icon name="quote" />
          </button>
          <button type="button" tabIndex={-1} data-do="copy" aria-label="Copy" title="Copy (C)">
            <Icon name="copy" />
          </button>
        </div>
        {mine
          ? (
            <span class="tick" role="img" aria-label="Sent" title="Sent">
              <Icon name="check" />
            </span>
          )
          : null}
      </div>
    </article>
  );
}
