"""An answer that is under way for as long as a test wants."""

from tests.dashboard.browser import Page

_HOLD = """const asked = window.fetch, part = arguments[0];
  const gate = new Promise((resolve) => { window.go = resolve; });
  window.fetch = async (path, options) => {
    if (window.waits || !path.includes(part) || (options?.method || "GET") !== "GET") return asked(path, options);
    window.waits = true;
    const answer = await asked(path, options);
    const text = await answer.text();
    await gate;
    setTimeout(() => { window.came = true; }, 50);
    return new Response(text, answer);
  };
  document.dispatchEvent(new Event("visibilitychange"))"""


def hold(page: Page, part: str) -> None:
    """Begins a round of a page, in which the first GET of an address with ``part`` in it gets no answer."""
    page.run(_HOLD, part)
    page.wait(lambda: page.run("return window.waits"), f"{part} asked for")


def let_go(page: Page) -> None:
    """Lets that answer come, as it was when it was asked for."""
    page.run("window.go()")
    page.wait(lambda: page.run("return window.came"), "the late answer")
