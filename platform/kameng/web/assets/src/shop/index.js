import "../shared/htmx.js";
import Alpine from "../shared/alpine.js";

Alpine.start();
