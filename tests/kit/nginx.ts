/** Whether there is an nginx to test with; says so loudly where there is none. */
export function nginxIsMissing(): boolean {
  try {
    return !new Deno.Command("nginx", { args: ["-v"], stderr: "null" }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- nobody shall believe that this was tested
    console.warn("SKIPPED: tests behind a proxy, because nginx is not installed");
    return true;
  }
}

/** An nginx of its own, in a folder of its own. Disposing of it ends it. */
export class Nginx implements AsyncDisposable {
  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly errors: Promise<string>,
  ) {}

  /** Starts it in `folder` with `config`, which belongs into its `http` block. */
  static async start(folder: string, config: string): Promise<Nginx> {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; worker_processes 1; pid ${folder}/pid;
       error_log stderr warn;
       events { worker_connections 256; }
       http { access_log off; ${temporary}
       ${config} }`,
    );
    const child = new Deno.Command("nginx", {
      args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new Nginx(child, new Response(child.stderr).text());
  }

  /** What it complained of, once it has ended; resolves early when it never ran. */
  async ended(): Promise<string> {
    await this.child.status;
    return await this.errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended();
  }
}
