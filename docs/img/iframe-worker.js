// SPDX-License-Identifier: Apache-2.0
// The search of a page that was opened as a file: browsers give such pages no workers, so that the script of the theme's search runs
// in a hidden frame. This has what the theme uses of a Worker.
class FrameWorker extends EventTarget {
  constructor(url) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.title = "search";
    document.body.append(frame);
    this.frame = frame;
    const inner = frame.contentWindow;
    const start = `postMessage = (data) => parent.postMessage(data, "*");
      importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = done;
        document.body.append(script);
      })), Promise.resolve());`;
    inner.document.open();
    inner.document.write(`<html><body><script>${start}</script><script src="${url}"></script></body></html>`);
    inner.document.close();
    this.ready = new Promise((done) => { inner.onload = done; });
    addEventListener("message", (event) => {
      if (event.source === frame.contentWindow) {
        const copy = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(copy);
        this.onmessage?.(copy);
      }
    });
  }
  postMessage(data) {
    this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })));
  }
  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") window.Worker = FrameWorker;
