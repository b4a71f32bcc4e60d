import "../shared/htmx.js";
import "./menus.js";
import "./forms.js";
import "./keys.js";
