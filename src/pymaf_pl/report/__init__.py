"""One self-contained HTML page: errors per iteration, pictures of every body, and a 3D viewer that steps through them.

Who wants what:

- a page: :func:`write_page`, fed with :class:`PersonView` (one card each) and :class:`Curve` (learning curves);
- a card from what a network returns: :func:`pymaf_pl.report.people.person_view`;
- a chart to put elsewhere: :func:`line_chart`, a string of SVG that takes its colours from the page around it;
- lines with intervals as an SVG file: :func:`pymaf_pl.report.bands.band_chart`;
- a page of tables and charts, without people: :func:`pymaf_pl.report.comparison.write_comparison`;
- many meshes of one topology in few bytes: :func:`pack_meshes` and :func:`unpack_meshes`.

Inside: ``page.py`` checks the input and writes the file, ``sections.py`` turns each part into HTML, ``charts.py``
draws, ``pictures.py`` makes JPEG data URIs, ``meshpack.py`` packs meshes. What the browser gets lies beside them: the
frame ``page.html``, the style ``page.css``, the viewer's markup ``viewer.html`` and its three scripts, joined in this
order: ``meshes.js`` (unpacks), ``stage.js`` (WebGL), ``viewer.js`` (controls). The page asks the network for
nothing and forbids itself to.

The address holds the state, so that a link can show one moment: ``report.html#person=2&iteration=3``, and with
``&target=1`` the ground truth beside it.
"""

from pymaf_pl.report.charts import line_chart
from pymaf_pl.report.meshpack import MeshPack, pack_meshes, unpack_meshes
from pymaf_pl.report.page import write_page
from pymaf_pl.report.views import Curve, PersonView

__all__ = ["Curve", "MeshPack", "PersonView", "line_chart", "pack_meshes", "unpack_meshes", "write_page"]
