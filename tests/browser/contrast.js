/* The worst WCAG contrast of any text on the page against what is behind it: [ratio, element]. */
() => {
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const numbers = (text) => text.match(/[\d.]+/g).map(Number);
  const contrast = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const text = "p, h1, h2, h3, td, th, a, span, b, dt, dd, code, button, label, summary, figcaption, kbd, li, legend";
  for (const node of document.querySelectorAll(text)) {
    if (!node.textContent.trim() || !node.offsetParent || node.className.includes("visually-hidden")) continue;
    found.push([contrast(numbers(getComputedStyle(node).color), behind(node)), `${node.tagName}.${node.className}`]);
  }
  for (const box of document.querySelectorAll("rect.part")) {
    const label = getComputedStyle(document.querySelector("svg text.label")).fill;
    found.push([contrast(numbers(label), numbers(getComputedStyle(box).fill)), `rect.${box.className.baseVal}`]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
}
