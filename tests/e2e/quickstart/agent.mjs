// A small agent on the published SDK. It has a goal and tools, no model: what it does next follows from what it found, and
// where a call fails, from the recovery advice that the gateway gives (`_meta["dev.bursar/error"].suggested_actions`).
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { setTimeout as sleep } from "node:timers/promises";

const textOf = (result) => result.content?.find((c) => c.type === "text")?.text ?? "";

export class Agent {
  calls = [];      // { tool, ms, ok, error, budget }
  reactions = [];  // { tool, error, action, did }
  answer = undefined;

  static async connect(url) {
    const client = new Client({ name: "quickstart-agent", version: "1.0.0" }, { capabilities: {} });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const agent = new Agent();
    agent.client = client;
    agent.tools = (await client.listTools()).tools.map((tool) => tool.name);
    return agent;
  }

  close() { return this.client.close(); }

  // One call, and what the gateway advises when it fails. Returns the text, or undefined where the agent went on without it.
  async use(tool, args = {}, { optional = false, fix } = {}) {
    for (let attempt = 0; attempt < 3 && !this.answer; ++attempt) {
      const began = performance.now();
      const result = await this.client.callTool({ name: tool, arguments: args });
      const error = result._meta?.["dev.bursar/error"];
      this.calls.push({ tool, ms: performance.now() - began, ok: !result.isError, error, budget: result._meta?.["dev.bursar/budget"] });
      if (!result.isError) return textOf(result);
      if (!error) return undefined;  // the tool's own no: nothing that a budget or a retry could change
      const next = await this.#follow(tool, args, error, { optional, fix });
      if (!next) return undefined;
      args = next.args;
    }
    return undefined;
  }

  // Walks the advised actions in their order and does the first that this agent can do. Returns { args } to call again.
  async #follow(tool, args, error, { optional, fix }) {
    const doers = {
      RETRY: async () => { await sleep(100); return ["called again", { args }]; },
      WAIT: async () => { const ms = Math.min(error.retry_after_ms ?? 200, 2000); await sleep(ms); return [`waited ${ms} ms and called again`, { args }]; },
      FIX_INPUT: async () => {
        const fixed = fix?.(args, error);
        return fixed && [`called again with ${JSON.stringify(fixed)}`, { args: fixed }];
      },
      SKIP_OPTIONAL: async () => optional && ["went on without it"],
      ANSWER_WITH_PARTIAL: async () => { this.answer = this.#conclude(); return ["answered with what it had"]; },
    };
    for (const action of error.suggested_actions) {
      const done = await doers[action.type]?.();
      if (!done) continue;
      const [did, again] = done;
      this.reactions.push({ tool, error, action, did });
      return again;
    }
    this.reactions.push({ tool, error, action: undefined, did: "gave the step up" });
    return undefined;
  }

  // The goal: gather from the documents what they say about a list of subjects, until that is done or the budget is.
  async research(folder, subjects) {
    this.findings = new Map();
    this.subjects = subjects;
    const listing = await this.use("filesystem.list_directory", { path: folder }) ?? "";
    const documents = [...listing.matchAll(/\[FILE\] (\S+\.md)/g)].map((m) => `${folder}/${m[1]}`);
    await this.use("everything.echo", { message: "ready" }, { optional: true });
    // A wrong argument name, as models send them: the refusal names the right one and the agent corrects itself.
    await this.use("filesystem.get_file_info", { file: documents[0] }, { fix: (args, { param_hints: hints = [], context }) => {
      const missing = /([A-Za-z_]+)[^A-Za-z_]*(?:is )?missing/.exec([...hints, ...(context?.param_hints ?? [])].join("; "))?.[1];
      return missing && { [missing]: Object.values(args)[0] };
    } });
    await this.use("faults.fail", { message: "this tool never works" }, { optional: true });
    await this.use("faults.hang", {}, { optional: true });
    for (let round = 0; !this.answer && round < 100; ++round) {
      const subject = subjects[round % subjects.length];
      await this.use("faults.slow", { median_ms: 60, sigma: 0.4 }, { optional: true });
      const path = documents[round % documents.length];
      const text = await this.use("filesystem.read_text_file", { path });
      const lines = (text ?? "").split("\n").filter((line) => line.toLowerCase().includes(subject));
      if (lines.length === 0) continue;
      const found = { document: path.split("/").at(-1), line: lines[0].replace(/^[#|\s-]+/, "").slice(0, 90) };
      if (!this.findings.has(subject)) this.findings.set(subject, found);
      await this.use("memory.create_entities", { entities: [{ name: subject, entityType: "subject", observations: [found.line] }] }, { optional: true });
      if (round % 4 === 3) await this.use("memory.search_nodes", { query: subject }, { optional: true });
    }
    this.answer ??= this.#conclude();
    return this.answer;
  }

  #conclude() {
    const missing = this.subjects.filter((s) => !this.findings.has(s));
    return { found: [...this.findings], missing };
  }
}
