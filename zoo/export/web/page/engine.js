// The worker as functions that can be awaited.

export class Engine {
  constructor(onProgress) {
    Object.assign(this, { waiting: new Map(), count: 0 });
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => {
      if ("progress" in data) onProgress(data.progress);
      else this.settle(data);
    });
    this.worker.addEventListener("error", () => this.end());
  }

  settle({ id, result, error }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  }

  /** The worker itself has not come, or has broken. */
  end() {
    for (const id of this.waiting.keys()) {
      this.settle({ id, error: "The page cannot start its worker. Open it again, or use a newer browser." });
    }
  }

  ask(task, given) {
    this.count += 1;
    const id = this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, given });
    });
  }
}
