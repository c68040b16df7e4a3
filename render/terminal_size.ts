/** The size of a terminal that does not tell it. */
const FALLBACK = { columns: 80, rows: 24 };

/** The size of the terminal of this process, or 80 by 24 where it is unknown. */
export function terminalSize(): { readonly columns: number; readonly rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    // Terminals that do not know their size report 0.
    return { columns: columns || FALLBACK.columns, rows: rows || FALLBACK.rows };
  } catch (error) {
    // None of the three streams that consoleSize() asks is a terminal that knows.
    if (error instanceof Error) return FALLBACK;
    throw error;
  }
}
