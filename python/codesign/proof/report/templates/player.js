"use strict";
/* One player a recording: all versions are decoded once and run together; choosing one only moves the gains. */
class Player {
  constructor(root) {
    this.root = root;
    this.seconds = Number(root.dataset.seconds);
    this.length = Number(root.dataset.played);
    this.version = 0;
    this.before = 1;
    this.offset = 0;
    this.playing = false;
    this.figures = [...root.querySelectorAll("figure")];
    this.radios = [...root.querySelectorAll("input[type=radio]")];
    this.seek = root.querySelector(".seek input");
    this.strength = root.querySelector(".strength input");
    this.percent = root.querySelector(".strength output");
    this.button = root.querySelector("button.play");
    this.time = root.querySelector("output.time");
    root.querySelector(".transport").hidden = false;
    this.button.addEventListener("click", () => this.toggle());
    this.seek.addEventListener("input", () => this.move(Number(this.seek.value)));
    this.strength.addEventListener("input", () => this.mix());
    this.radios.forEach((radio, index) => radio.addEventListener("change", () => this.choose(index)));
    this.figures.forEach((figure) => figure.querySelector(".picture").addEventListener("click", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      this.move(((event.clientX - box.left) / box.width) * this.seconds);
    }));
    root.addEventListener("keydown", (event) => this.key(event));
    this.show();
  }

  async decode() {
    if (this.buffers) return;
    this.context = new AudioContext();
    const sources = [...this.root.querySelectorAll("audio")].map((audio) => audio.src);
    this.buffers = await Promise.all(sources.map((source) => {
      const text = atob(source.slice(source.indexOf(",") + 1));
      return this.context.decodeAudioData(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
    }));
  }

  async toggle() {
    if (this.playing) return this.pause();
    if (this.button.disabled) return;
    Player.all.forEach((other) => other !== this && other.pause());
    this.button.disabled = true;
    await this.decode();
    await this.context.resume();
    this.button.disabled = false;
    this.button.focus();
    if (this.offset >= this.length - 0.02) this.offset = 0;
    this.start();
  }

  start() {
    this.gains = this.buffers.map((buffer, index) => {
      const gain = new GainNode(this.context, { gain: this.share(index) });
      const source = new AudioBufferSourceNode(this.context, { buffer });
      source.connect(gain).connect(this.context.destination);
      source.start(0, this.offset);
      gain.source = source;
      return gain;
    });
    this.began = this.context.currentTime - this.offset;
    this.playing = true;
    this.tick();
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.position();
    this.gains.forEach((gain) => { gain.source.stop(); gain.disconnect(); });
    this.playing = false;
    this.show();
  }

  position() {
    const at = this.playing ? this.context.currentTime - this.began : this.offset;
    return Math.min(Math.max(0, at), this.length);
  }

  move(to) {
    const playing = this.playing;
    this.pause();
    this.offset = Math.min(Math.max(0, to), this.length);
    if (playing) this.start();
    this.show();
  }

  choose(index) {
    if (index === this.version || index >= this.figures.length) return;
    this.before = this.version;
    this.version = index;
    this.radios[index].checked = true;
    this.fade();
    this.show();
  }

  /* How much of a version is heard: of the enhanced one as much as its strength says, the rest is the noisy one. */
  share(index) {
    const strength = this.strength.value / 100;
    if (this.version !== Player.ENHANCED) return index === this.version ? 1 : 0;
    return [1 - strength, strength][index] ?? 0;
  }

  fade() {
    if (this.playing) this.gains.forEach((gain, index) => gain.gain.setTargetAtTime(this.share(index), this.context.currentTime, 0.005));
  }

  mix() {
    this.percent.textContent = `${this.strength.value} %`;
    this.choose(Player.ENHANCED);
    this.fade();
  }

  /* Whether arrows mean something to what has the focus. */
  moves(target) {
    return target.type === "radio" || target === this.strength;
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("details")) return;
    if (event.key >= "1" && event.key <= "9") this.choose(Number(event.key) - 1);
    else if (event.key.toLowerCase() === "x") this.choose(this.before);
    else if (event.key === " " && event.target !== this.button) this.toggle();
    else if (event.key === "ArrowLeft" && !this.moves(event.target)) this.move(this.position() - 1);
    else if (event.key === "ArrowRight" && !this.moves(event.target)) this.move(this.position() + 1);
    else return;
    event.preventDefault();
  }

  tick() {
    if (!this.playing) return;
    if (this.position() >= this.length) this.pause();
    this.show();
    requestAnimationFrame(() => this.tick());
  }

  show() {
    const at = this.position();
    this.button.textContent = this.playing ? "Pause" : "Play";
    this.seek.value = at;
    this.seek.setAttribute("aria-valuetext", `${at.toFixed(1)} seconds`);
    this.time.textContent = `${at.toFixed(1)} s`;
    this.figures.forEach((figure, index) => {
      figure.classList.toggle("on", index === this.version);
      const head = figure.querySelector(".playhead");
      head.hidden = false;
      head.style.left = `${(100 * at) / this.seconds}%`;
    });
  }
}
Player.ENHANCED = 1; /* after the noisy one: report/sound.py */
Player.all = [...document.querySelectorAll(".recording")].filter((root) => root.querySelector(".transport")).map((root) => new Player(root));
/* Paper has no switches: everything is opened before printing and closed again after it. */
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open]):not(.players)").forEach((part) => { part.open = true; part.dataset.opened = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-opened]").forEach((part) => { part.open = false; delete part.dataset.opened; }));
