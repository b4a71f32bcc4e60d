import "../shared/htmx.js";
import "./mode.js";
import "./forms.js";
import "./product.js";
import "./order.js";
import "./go.js";
import "./top-up.js";
import "./tabs.js";
