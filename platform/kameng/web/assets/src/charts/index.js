// ECharts with only what the boards draw. A chart is
//   <div class="km-chart" data-chart="ID-of-json" role="img" aria-label="…"></div>
//   <script type="application/json" id="ID-of-json">{…ECharts option…}</script>
// Colours of the design tokens may be written in the option as "var(--km-chart-1)".
import * as echarts from "echarts/core";
import { BarChart, LineChart, PieChart } from "echarts/charts";
import {
  AriaComponent, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent,
  MarkLineComponent, TitleComponent, TooltipComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  LineChart, BarChart, PieChart, AriaComponent, DatasetComponent, GridComponent,
  LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  SVGRenderer,
]);

const charts = new Map();

function resolve(value, style) {
  if (typeof value === "string") {
    return value.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v, style)]));
  }
  return value;
}

function base(style) {
  const ink = style.getPropertyValue("--km-ink-3").trim();
  return {
    color: [1, 2, 3, 4, 5].map((n) => style.getPropertyValue(`--km-chart-${n}`).trim()).filter(Boolean),
    textStyle: { color: ink, fontFamily: style.getPropertyValue("--km-font").trim() || "inherit" },
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    aria: { enabled: true },
  };
}

function render(element) {
  const source = document.getElementById(element.dataset.chart);
  if (!source) return;
  const style = getComputedStyle(element);
  const option = { ...base(style), ...resolve(JSON.parse(source.textContent), style) };
  // An HTML tooltip carries style attributes, which the Content-Security-Policy refuses.
  if (option.tooltip) option.tooltip = { ...option.tooltip, renderMode: "richText" };
  const chart = charts.get(element) || echarts.init(element, null, { renderer: "svg" });
  charts.set(element, chart);
  chart.setOption(option, true);
}

function renderAll(root = document) {
  for (const [element, chart] of charts) {
    if (!element.isConnected) { chart.dispose(); charts.delete(element); }
  }
  root.querySelectorAll("[data-chart]").forEach(render);
}

new ResizeObserver(() => charts.forEach((chart) => chart.resize())).observe(document.documentElement);
new MutationObserver(() => renderAll()).observe(document.documentElement, {
  attributes: true, attributeFilter: ["data-bs-theme", "data-theme"],
});
document.addEventListener("htmx:afterSettle", (event) => renderAll(event.target));
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => renderAll());
else renderAll();

window.kamengCharts = { echarts, render, renderAll };
