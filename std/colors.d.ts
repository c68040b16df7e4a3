// Types of the part of `@std/fmt/colors` that this project uses.
type Style = (text: string) => string;

export function setColorEnabled(enabled: boolean): void;
export function getColorEnabled(): boolean;
export const bold: Style;
export const dim: Style;
export const italic: Style;
export const underline: Style;
export const inverse: Style;
export const red: Style;
export const green: Style;
export const yellow: Style;
export const blue: Style;
export const magenta: Style;
export const cyan: Style;
export const gray: Style;
/** One of the 256 colours of the terminal's palette. */
export function rgb8(text: string, color: number): string;
export function stripAnsiCode(text: string): string;
