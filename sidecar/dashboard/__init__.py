"""The dashboard: pages of an admin port, and the files they need; ``sidecar.api.pages`` serves them.

Key types: ``Page`` (a name, a title, the paths at which it stands), ``Site`` (all pages as they are sent, and every
static file under an address that changes with its content).

How a page is built. No build step, nothing from other hosts:

- ``templates/NAME.html`` extends ``layout.html``: what stands before any figure is known. Jinja2 renders it once; a
  page holds nothing of who asks, and no figure.
- ``static/OF/NAME.js`` is the page's module; ``of`` is the page of the navigation that it belongs to. It imports from
  ``../base/`` (what all pages share), from its own folder, and from another page's folder only what both show. It ends
  with ``runPage({start, sections})`` of ``base/page.js``: ``sections`` are functions by name, called every few seconds
  with ``ask(path)``, a GET of the API that is asked once a round however many sections want it. What the API refuses is
  shown in ``#NAME-fault`` of that section, and the others go on; ``#NAME-empty`` says that there is nothing.
- ``base/keys.js`` has the keys of every page (G and a letter, ? for help); a page tells its own by ``explain``, and
  asks ``isTaken(event)`` before it takes a key.
- ``static/OF/OF.css`` is its own style; ``base/style.css`` has the colours, as variables, for light and dark.
- ``static/vendor/`` has what others made, pinned and unchanged: uPlot, of which a page that sets ``charts`` has the
  global ``uPlot``.

Invariants:

- All that is shown comes from the public API, so a page can show nothing that a client could not ask for.
- Scripts write text by ``textContent`` only; no markup is made of what came from anywhere.
- A refresh changes what is on the page in place: focus, selection, scroll and what is folded open stay.
- Relative imports stay under the address of their page's release: a page never mixes files of two releases.
"""

from sidecar.dashboard.site import PAGES, Page, Site, StaticFile, site

__all__ = ["PAGES", "Page", "Site", "StaticFile", "site"]
