/** A readable size: `formatBytes(1337)` is `1.34 kB`. */
export function format(bytes: number, options?: { readonly binary?: boolean }): string;
