import type { Notice } from "../state/notices.ts";

/** Pixels of the icon with the number in it. */
const ICON_SIZE = 64;

/** Whether the browser can show notifications. They need an encrypted connection. */
export function canNotify(): boolean {
  return typeof Notification !== "undefined" && isSecureContext;
}

/** Asks the user to allow notifications. Call it only after a click. */
export async function askToNotify(): Promise<boolean> {
  return canNotify() && await Notification.requestPermission() === "granted";
}

/** Notifications, sound, title and icon, for a user who is looking elsewhere. */
export class Notifier {
  readonly #icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  readonly #plainIcon = this.#icon?.href ?? "";
  #audio: AudioContext | undefined;
  #shown: string | undefined;

  /**
   * @param path the path of the page, which separates hubs behind one proxy.
   * @param onClick is called when a notification is clicked.
   */
  constructor(private readonly path: string, private readonly onClick: (notice: Notice) => void) {}

  /** Shows a notification, in place of an earlier one of the same thread. */
  notify(notice: Notice): void {
    if (!canNotify() || Notification.permission !== "granted") return;
    const { key, title, body } = notice;
    const options = { body, tag: `bcast ${this.path} ${key}`, data: key, icon: this.#plainIcon };
    try {
      const shown = new Notification(title, options);
      shown.onclick = () => {
        globalThis.focus();
        shown.close();
        this.onClick(notice);
      };
    } catch {
      // Phones show notifications only through the service worker.
      void navigator.serviceWorker?.ready.then((worker) => {
        return worker.showNotification(title, options);
      });
    }
  }

  /** Plays two soft tones. */
  play(): void {
    try {
      const audio = this.#audio ??= new AudioContext();
      void audio.resume();
      tone(audio, 660, 0);
      tone(audio, 880, 0.09);
    } catch {
      // There is no sound device.
    }
  }

  /** Shows the number of unread messages in title and icon. */
  count(unread: number, where: string): void {
    const number = unread === 0 ? "" : unread > 99 ? "99+" : String(unread);
    document.title = `${number === "" ? "" : `(${number}) `}${
      where === "" ? "" : `${where} · `
    }bcast`;
    if (number === this.#shown || this.#icon === null) return;
    this.#shown = number;
    const drawn = number === "" ? undefined : drawnIcon(number);
    // If the number cannot be drawn, the plain icon remains.
    this.#icon.type = drawn === undefined ? "image/svg+xml" : "image/png";
    this.#icon.href = drawn ?? this.#plainIcon;
  }
}

function tone(audio: AudioContext, frequency: number, delay: number): void {
  const start = audio.currentTime + delay;
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.08, start + 0.01);
  gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.18);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.2);
}

function drawnIcon(number: string): string | undefined {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = ICON_SIZE;
  const context = canvas.getContext("2d");
  if (context === null) return undefined;
  context.fillStyle = "#5b4ee6";
  context.beginPath();
  context.roundRect(0, 0, ICON_SIZE, ICON_SIZE, 14);
  context.fill();
  context.fillStyle = "#fff";
  context.font = `bold ${number.length > 2 ? 30 : 42}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(number, ICON_SIZE / 2, ICON_SIZE / 2 + 3);
  return canvas.toDataURL("image/png");
}
