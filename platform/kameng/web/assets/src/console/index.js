import "@tabler/core/dist/js/tabler.esm.min.js";
import "../shared/htmx.js";
