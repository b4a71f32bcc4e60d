// The CSP build: expressions are names of data and methods, nothing is evaluated.
import Alpine from "@alpinejs/csp";

window.Alpine = Alpine;
export default Alpine;
