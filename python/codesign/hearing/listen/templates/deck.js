"use strict";
/* Sound files arrive as scripts that call codesignAudio(id, base64): pages opened from disk may not read other files. */
const arriving = new Map();
function codesignAudio(id, text) {
  const wanted = arriving.get(id);
  if (wanted) wanted.resolve(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}
function fetchSound(id) {
  return new Promise((resolve, reject) => {
    arriving.set(id, { resolve });
    const script = document.createElement("script");
    script.src = `audio/${id}.js`;
    script.onload = () => { arriving.delete(id); script.remove(); };
    script.onerror = () => reject(new Error(`the sound file audio/${id}.js is missing`));
    document.head.append(script);
  });
}

/* The versions of one page: all run together in a loop, one is heard. */
class Deck {
  constructor(ids, changed) {
    this.ids = ids;
    this.changed = changed;
    this.current = ids[0];
    this.heard = new Set();
    this.playing = false;
    this.offset = 0;
  }

  async load() {
    Deck.context ??= new AudioContext();
    const decoded = await Promise.all(this.ids.map(async (id) => Deck.context.decodeAudioData(await fetchSound(id))));
    this.buffers = new Map(this.ids.map((id, index) => [id, decoded[index]]));
  }

  async start() {
    if (this.playing || this.starting || !this.buffers) return;
    this.starting = true;
    await Deck.context.resume();
    this.starting = false;
    this.voices = new Map(this.ids.map((id) => {
      const gain = new GainNode(Deck.context, { gain: id === this.current ? 1 : 0 });
      const source = new AudioBufferSourceNode(Deck.context, { buffer: this.buffers.get(id), loop: true });
      source.connect(gain).connect(Deck.context.destination);
      source.start(0, this.offset);
      return [id, { gain, source }];
    }));
    this.began = Deck.context.currentTime - this.offset;
    this.playing = true;
    this.heard.add(this.current);
    this.changed();
  }

  stop() {
    if (!this.playing) return;
    this.offset = (Deck.context.currentTime - this.began) % this.buffers.get(this.current).duration;
    this.voices.forEach(({ gain, source }) => { source.stop(); gain.disconnect(); });
    this.playing = false;
    this.changed();
  }

  toggle() { return this.playing ? this.stop() : this.start(); }

  async choose(id) {
    this.current = id;
    if (!this.playing) return this.start();
    this.voices.forEach(({ gain }, other) => gain.gain.setTargetAtTime(other === id ? 1 : 0, Deck.context.currentTime, 0.005));
    this.heard.add(id);
    this.changed();
  }
}
