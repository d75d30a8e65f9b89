// SPDX-License-Identifier: Apache-2.0
// What the theme leaves to do for those who use no mouse or see no screen: wide tables are reached and scrolled by keyboard, and the
// search has a name.
function reach() {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", "table");
  }
}

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true }); // the theme wraps tables later
reach();
