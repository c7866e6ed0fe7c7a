/* charts.js - the charts of a table: medians with intervals, a metric against a length, distributions, and the order in
 * which the observations were taken. A chart shows one metric; an engine that is switched off is off in every chart. */
(function () {
    const hidden = new Set();
    const charts = [];
    const series = report.series; /* {by, names, markers}: colours are the CSS variables --s0, --s1 ... */
    const symbols = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'cross'];
    const SPECKS = 200; /* single observations drawn behind a median */

    function marker(name, size) {
        const kind = series.markers[series.names.indexOf(name)] || 0;
        return d3.svg.symbol().type(symbols[kind]).size(size || 70)();
    }
    function turn(name) { return series.markers[series.names.indexOf(name)] === 6 ? ' rotate(45)' : ''; }
    function color(name) { return '--c: var(--s' + Math.max(0, series.names.indexOf(name)) + ')'; }

    /* ---- what a table holds, as charts see it ---- */

    function modelOf(table) {
        const columns = table.columns;
        const by = columns.findIndex(c => c.name === series.by);
        const differ = columns.map((c, i) => i).filter(i => i !== by && columns[i].kind !== 'figure' && columns[i].kind !== 'number' &&
            !['unit', 'checked_against'].includes(columns[i].name) &&
            new Set(table.rows.map(r => r[i])).size > 1);
        const versions = differ.filter(i => ['quantize', 'run'].includes(columns[i].name)); /* of an engine, not a setting */
        const labels = differ.filter(i => !versions.includes(i));
        const rows = table.rows.map((cells, index) => ({
            index, cells,
            series: String(cells[by]),
            name: [cells[by]].concat(versions.map(i => cells[i]).filter(v => v !== null)).join(' '),
            setting: labels.map(i => columns[i].kind === 'text' ? String(cells[i]) : columns[i].title + ' ' + cells[i]).join(', ') || 'all',
        }));
        return {
            table, rows, labels,
            metrics: columns.map((c, i) => i).filter(i => columns[i].kind === 'figure' && table.rows.some(r => r[i])),
            lengths: labels.filter(i => columns[i].kind === 'count'),
            settings: Array.from(new Set(rows.map(r => r.setting))),
        };
    }

    /* The observations of a metric, row by row; without raw rows their quantiles, which say so. */
    function observations(table, metric) {
        const raw = table.raw;
        if (raw) {
            const column = raw.names.indexOf(metric);
            if (column < 0) return null;
            const out = table.rows.map(() => []);
            raw.row.forEach((r, i) => { const x = raw.columns[column][i]; if (x !== null) out[r].push(x); });
            return { rows: out, summary: false };
        }
        return table.spread && table.spread[metric] ? { rows: table.spread[metric], summary: true } : null;
    }

    function figureLines(row, column, f) {
        const u = shown.unit(column);
        const lines = [row.name, row.setting, 'median ' + shown.figure(f, f[0]) + u];
        if (f[1] !== null) lines.push('95 % interval ' + shown.figure(f, f[1]) + ' to ' + shown.figure(f, f[2]) + u);
        lines.push('n = ' + f[3]);
        return lines;
    }

    /* ---- one chart ---- */

    function Chart(host, table) {
        const m = modelOf(table);
        if (!m.metrics.length) return;
        const state = { metric: m.metrics[0], form: 'figures', log: false, length: m.lengths[0], setting: m.settings[0] };
        const preferred = m.metrics.find(i => table.columns[i].ranks);
        if (preferred !== undefined) state.metric = preferred;

        const controls = d3.select(host).insert('div', '.plot').attr('class', 'controls');
        const legend = d3.select(host).insert('div', '.plot').attr('class', 'legend').attr('role', 'group').attr('aria-label', 'Show or hide');
        const plot = d3.select(host).select('.plot');
        const caption = d3.select(host).select('figcaption');
        let x, y, marks, at = -1, width;

        function selector(label, options, value, change) {
            const box = controls.append('label').text(label);
            const select = box.append('select').on('change', function () { change(this.value); reset(); });
            select.selectAll('option').data(options).enter().append('option').attr('value', o => o[0]).text(o => o[1]);
            select.property('value', value);
            return box;
        }
        selector('Metric', m.metrics.map(i => [i, shown.title(table.columns[i])]), state.metric, v => { state.metric = +v; });
        const forms = [['figures', 'medians and intervals']];
        if (m.lengths.length) forms.push(['lengths', 'against a length']);
        forms.push(['spread', 'distribution']);
        if (table.raw) forms.push(['order', 'in order of time']);
        selector('Show', forms, state.form, v => { state.form = v; });
        const lengthBox = selector('against', m.lengths.map(i => [i, table.columns[i].title]), state.length, v => { state.length = +v; });
        const settingBox = selector('of', m.settings.map(s => [s, s]), state.setting, v => { state.setting = v; });
        const logBox = controls.append('label');
        logBox.append('input').attr('type', 'checkbox').on('change', function () { state.log = this.checked; reset(); });
        logBox.append('span').text('logarithmic');
        const zoom = controls.append('span').attr('class', 'zoom');
        for (const [text, name, factor] of [['+', 'Zoom in', 0.5], ['\u2212', 'Zoom out', 2], ['\u21ba', 'Show all', 0]])
            zoom.append('button').attr('type', 'button').attr('aria-label', name).attr('title', name).text(text)
                .on('click', () => zoomBy(factor));

        function visible() { return m.rows.filter(r => !hidden.has(r.series)); }

        function reset() { x = y = null; draw(); }
        function zoomBy(factor) {
            if (!factor) return reset();
            x.domain(zoomed(x, factor));
            if (y && state.form === 'order') y.domain(zoomed(y, factor));
            draw();
        }

        /* ---- the parts that all forms share ---- */

        function frame(height, margin) {
            plot.selectAll('*').remove();
            const svg = plot.append('svg').attr('viewBox', '0 0 ' + width + ' ' + height).attr('width', width).attr('height', height)
                .attr('tabindex', 0).attr('role', 'img').attr('focusable', 'true');
            const clip = 'clip' + charts.indexOf(self) + host.id;
            svg.append('clipPath').attr('id', clip).append('rect').attr('x', margin.left - 8).attr('y', margin.top - 8)
                .attr('width', Math.max(1, width - margin.left - margin.right + 16)).attr('height', height - margin.top - margin.bottom + 16);
            const inside = svg.append('g').attr('clip-path', 'url(#' + clip + ')');
            return { svg, inside, height, margin };
        }

        function axes(f, xTitle, yTitle) {
            const { svg, margin, height } = f;
            const xs = svg.insert('g', 'g').attr('class', 'axis');
            const room = Math.max(2, Math.floor((width - margin.left - margin.right) / 70));
            for (const t of ticksOf(x, room)) {
                const px = x(t);
                xs.append('line').attr({ x1: px, x2: px, y1: margin.top, y2: height - margin.bottom });
                xs.append('text').attr({ x: px, y: height - margin.bottom + 16, 'text-anchor': 'middle' }).text(shown.number(t));
            }
            svg.append('text').attr('class', 'title').attr({ x: width - margin.right, y: height - 6, 'text-anchor': 'end' }).text(xTitle);
            if (!yTitle) return;
            for (const t of ticksOf(y, Math.max(2, Math.floor((height - margin.top - margin.bottom) / 45)))) {
                xs.append('line').attr({ x1: margin.left, x2: width - margin.right, y1: y(t), y2: y(t) });
                xs.append('text').attr({ x: margin.left - 6, y: y(t), dy: '.35em', 'text-anchor': 'end' }).text(shown.number(t));
            }
            svg.append('text').attr('class', 'title').attr({ x: 2, y: 13 }).text(yTitle);
        }

        /* Dragging across a chart shows that part; touch is left to the page, which scrolls. */
        function brushable(f) {
            if (matchMedia('(pointer: coarse)').matches) return;
            const brush = d3.svg.brush().x(x).on('brushend', () => {
                if (brush.empty()) return;
                x.domain(brush.extent());
                draw();
            });
            const g = f.svg.insert('g', 'g').attr('class', 'brush').call(brush);
            g.selectAll('rect').attr('y', f.margin.top).attr('height', f.height - f.margin.top - f.margin.bottom);
            f.svg.on('dblclick', reset);
        }

        function addMark(g, px, py, name, lines) {
            const inside = px > -20 && px < width + 20;
            const node = g.append('path').attr('class', 'mark').attr('d', marker(name)).attr('style', color(name))
                .attr('transform', 'translate(' + px + ',' + py + ')' + turn(name));
            const mark = { node, lines, px, py };
            node.on('mouseenter', () => point(mark, d3.event)).on('mouseleave', leave).on('click', () => point(mark, d3.event));
            if (inside) marks.push(mark);
        }

        function finish(f, words) {
            f.svg.attr('aria-label', words + ' Arrow keys go from point to point, plus and minus zoom, 0 shows all.');
            f.svg.on('keydown', () => {
                const e = d3.event, step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
                if (step && marks.length) { at = (at + step + marks.length) % marks.length; point(marks[at]); }
                else if (e.key === '+' || e.key === '=') zoomBy(0.5);
                else if (e.key === '-') zoomBy(2);
                else if (e.key === '0') reset();
                else if (e.key === 'Escape') leave();
                else return;
                e.preventDefault();
            }).on('blur', leave);
        }

        function point(mark, event) {
            leave();
            mark.node.classed('at', true);
            const box = mark.node.node().getBoundingClientRect();
            tip.show(mark.lines, event ? event.clientX : box.left + box.width / 2, event ? event.clientY : box.top);
        }
        function leave() { plot.selectAll('.mark.at').classed('at', false); tip.hide(); }

        /* ---- the forms ---- */

        const draws = {
            figures() {
                const column = table.columns[state.metric], rows = visible().filter(r => r.cells[state.metric]);
                const seen = observations(table, column.name);
                const groups = d3.nest().key(r => r.setting).entries(rows);
                const narrow = width < 560, line = 22;
                const longest = d3.max(rows, r => r.name.length) || 0;
                const margin = { top: 8, right: narrow ? 58 : 74, bottom: 40, left: Math.min(narrow ? 92 : 190, 16 + 7 * longest) };
                const height = margin.top + margin.bottom + groups.length * 26 + rows.length * line;
                const f = frame(height, margin);
                if (!x) {
                    const values = [];
                    for (const r of rows) values.push(r.cells[state.metric][0], r.cells[state.metric][1], r.cells[state.metric][2]);
                    x = scaleOf(values, state.log, [margin.left, width - margin.right], true);
                }
                x.range([margin.left, width - margin.right]);
                axes(f, shown.title(column) + better(column));
                let top = margin.top;
                groups.forEach((group, i) => {
                    if (i % 2 === 0)
                        f.svg.insert('rect', 'g').attr('class', 'zebra').attr({ x: 0, y: top, width, height: 26 + group.values.length * line });
                    f.svg.append('text').attr('class', 'group').attr({ x: 6, y: top + 17 }).text(cut(group.key, (width - 12) / 6.6));
                    top += 26;
                    for (const row of group.values) {
                        const figure = row.cells[state.metric], py = top + line / 2;
                        f.svg.append('text').attr('class', 'name').attr({ x: margin.left - 12, y: py, dy: '.35em', 'text-anchor': 'end' })
                            .text(cut(row.name, (margin.left - 12) / 6.4));
                        const g = f.inside.append('g').attr('style', color(row.series));
                        if (seen) {
                            const all = seen.rows[row.index] || [], step = Math.max(1, Math.ceil(all.length / SPECKS));
                            for (let k = 0; k < all.length; k += step)
                                g.append('circle').attr('class', 'speck').attr({ cx: x(all[k]), cy: py + ((k * 7) % 5 - 2) * 1.6, r: 2 });
                        }
                        if (figure[1] !== null)
                            g.append('line').attr('class', 'whisker').attr({ x1: x(figure[1]), x2: x(figure[2]), y1: py, y2: py });
                        addMark(g, x(figure[0]), py, row.series, figureLines(row, column, figure));
                        f.svg.append('text').attr('class', 'value').attr({ x: width - 4, y: py, dy: '.35em', 'text-anchor': 'end' })
                            .text(shown.figure(figure, figure[0]));
                        top += line;
                    }
                });
                brushable(f);
                caption.text('Marks: medians; bars: their 95 % intervals' + (seen ? seen.summary ? '; dots: quantiles of the single observations.'
                    : '; dots: single observations.' : '.'));
                finish(f, 'Medians with 95 % intervals of ' + shown.title(column) + '. ' +
                    rows.map(r => r.name + ', ' + r.setting + ': ' + shown.figure(r.cells[state.metric], r.cells[state.metric][0])).slice(0, 30).join('; ') + '.');
            },

            lengths() {
                const column = table.columns[state.metric], along = table.columns[state.length];
                const rest = m.labels.filter(i => i !== state.length);
                const rows = visible().filter(r => r.cells[state.metric] && r.cells[state.length] !== null);
                const margin = { top: 24, right: 16, bottom: 40, left: 62 }, height = Math.min(420, Math.max(280, width * 0.5));
                const f = frame(height, margin);
                if (!x) {
                    const values = [];
                    for (const r of rows) values.push(r.cells[state.metric][0], r.cells[state.metric][1], r.cells[state.metric][2]);
                    x = scaleOf(rows.map(r => r.cells[state.length]), state.log, [margin.left, width - margin.right]);
                    y = scaleOf(values, state.log, [height - margin.bottom, margin.top], true);
                }
                x.range([margin.left, width - margin.right]);
                y.range([height - margin.bottom, margin.top]);
                axes(f, along.title, shown.title(column) + better(column));
                const lines = d3.nest().key(r => r.name + '\u0000' + rest.map(i => r.cells[i]).join('\u0000')).entries(rows);
                const dashes = ['', '7 4', '2 4', '9 3 2 3'], styles = d3.map();
                for (const l of lines) {
                    const name = l.values[0].series, other = rest.map(i => String(l.values[0].cells[i])).join(', ');
                    if (!styles.has(other)) styles.set(other, dashes[styles.size() % dashes.length]);
                    const points = l.values.slice().sort((a, b) => a.cells[state.length] - b.cells[state.length]);
                    const px = r => x(r.cells[state.length]), low = r => r.cells[state.metric][1], high = r => r.cells[state.metric][2];
                    const g = f.inside.append('g').attr('style', color(name));
                    g.append('path').attr('class', 'band').attr('d', d3.svg.area().x(px).defined(r => low(r) !== null)
                        .y0(r => y(low(r))).y1(r => y(high(r)))(points));
                    g.append('path').attr('class', 'curve').attr('stroke-dasharray', styles.get(other))
                        .attr('d', d3.svg.line().x(px).y(r => y(r.cells[state.metric][0]))(points));
                    for (const r of points)
                        addMark(g, px(r), y(r.cells[state.metric][0]), name, figureLines(r, column, r.cells[state.metric]));
                }
                brushable(f);
                const keys = styles.keys().filter(k => k);
                caption.text('Lines: medians; bands: their 95 % intervals.' + (keys.length > 1
                    ? ' ' + ['Solid', 'Dashed', 'Dotted', 'Dash-dotted'].slice(0, keys.length).map((d, i) => d + ': ' + keys[i]).join('; ') +
                      (keys.length > 4 ? '; and so on, see the points.' : '.') : ''));
                finish(f, shown.title(column) + ' against ' + along.title + ', ' + lines.length + ' lines.');
            },

            spread() {
                const column = table.columns[state.metric], seen = observations(table, column.name);
                const margin = { top: 24, right: 16, bottom: 40, left: 48 }, height = Math.min(400, Math.max(260, width * 0.45));
                const f = frame(height, margin);
                const rows = visible().filter(r => r.setting === state.setting && seen && (seen.rows[r.index] || []).length);
                if (!rows.length) return empty(f, 'This metric is measured once a launch; its medians and intervals are in the other form.');
                const sorted = rows.map(r => seen.rows[r.index].slice().sort((a, b) => a - b));
                if (!x) x = scaleOf(d3.merge(sorted), state.log, [margin.left, width - margin.right]);
                x.range([margin.left, width - margin.right]);
                y = d3.scale.linear().domain([0, 1]).range([height - margin.bottom, margin.top]);
                axes(f, shown.title(column) + better(column), 'share of observations at or below');
                rows.forEach((row, i) => {
                    const all = sorted[i], g = f.inside.append('g').attr('style', color(row.series)), points = [];
                    const step = Math.max(1, Math.floor(all.length / 600));
                    for (let k = 0; k < all.length; k += step)
                        points.push([all[k], seen.summary ? k / Math.max(1, all.length - 1) : (k + 1) / all.length]);
                    points.push([all[all.length - 1], 1]);
                    g.append('path').attr('class', 'curve').attr('d', d3.svg.line().x(p => x(p[0])).y(p => y(p[1]))
                        .interpolate(seen.summary ? 'linear' : 'step-after')([[all[0], 0]].concat(points)));
                    for (const q of [0.05, 0.25, 0.5, 0.75, 0.95])
                        addMark(g, x(quantile(all, q)), y(q), row.series, [row.name, row.setting, 'p' + q * 100 + ': ' +
                            shown.number(quantile(all, q)) + shown.unit(column), seen.summary ? 'of all observations' : all.length + ' observations']);
                });
                brushable(f);
                caption.text('Share of single observations at or below each value; marks at 5, 25, 50, 75 and 95 %.' +
                    (seen.summary ? ' Drawn from 101 quantiles of all observations: there are too many to embed.' : ''));
                finish(f, 'Distribution of ' + shown.title(column) + ' for ' + state.setting + '.');
            },

            order() {
                const column = table.columns[state.metric], seen = observations(table, column.name);
                const margin = { top: 24, right: 16, bottom: 40, left: 62 }, height = Math.min(400, Math.max(260, width * 0.45));
                const f = frame(height, margin);
                const rows = visible().filter(r => r.setting === state.setting && seen && seen.rows[r.index].length);
                if (!rows.length) return empty(f, 'This metric is measured once a launch; its medians and intervals are in the other form.');
                const longest = d3.max(rows, r => seen.rows[r.index].length);
                if (!x) {
                    x = d3.scale.linear().domain([0, longest + 1]).range([margin.left, width - margin.right]);
                    y = scaleOf(d3.merge(rows.map(r => seen.rows[r.index])), state.log, [height - margin.bottom, margin.top], true);
                }
                x.range([margin.left, width - margin.right]);
                y.range([height - margin.bottom, margin.top]);
                axes(f, 'observation, in order of launch and request', shown.title(column) + better(column));
                for (const row of rows) {
                    const all = seen.rows[row.index], g = f.inside.append('g').attr('style', color(row.series));
                    if (all.length <= 300)
                        all.forEach((v, k) => addMark(g, x(k + 1), y(v), row.series, [row.name, row.setting, 'observation ' + (k + 1),
                            shown.number(v) + shown.unit(column)]));
                    else
                        g.append('path').attr('class', 'curve').style('stroke-width', 1)
                            .attr('d', d3.svg.line().x((v, k) => x(k + 1)).y(v => y(v))(thin(all)));
                }
                brushable(f);
                caption.text('Every observation in the order in which it was taken: drift, warming up and outliers show here.');
                finish(f, 'Observations of ' + shown.title(column) + ' in order for ' + state.setting + '.');
            },
        };

        function thin(all) { return all.length > 4000 ? all.filter((v, k) => k % Math.ceil(all.length / 4000) === 0) : all; }
        function better(column) { return column.better === 'less' ? ', less is better' : column.better === 'more' ? ', more is better' : ''; }
        function empty(f, text) {
            f.svg.append('text').attr({ x: width / 2, y: f.height / 2, 'text-anchor': 'middle' }).text(text);
            caption.text('');
            finish(f, text);
        }

        function draw() {
            width = Math.max(280, Math.floor(plot.node().clientWidth));
            marks = [];
            at = -1;
            lengthBox.style('display', state.form === 'lengths' && m.lengths.length > 1 ? null : 'none');
            settingBox.style('display', (state.form === 'spread' || state.form === 'order') && m.settings.length > 1 ? null : 'none');
            draws[state.form]();
            legend.selectAll('button').attr('aria-pressed', n => !hidden.has(n));
        }

        const names = series.names.filter(n => m.rows.some(r => r.series === n));
        const buttons = legend.selectAll('button').data(names).enter().append('button').attr('type', 'button').attr('style', color)
            .on('click', n => { if (!hidden.delete(n)) hidden.add(n); for (const c of charts) c.reset(); });
        buttons.append('svg').attr('viewBox', '-7 -7 14 14').attr('aria-hidden', 'true').append('path')
            .attr('d', n => marker(n)).attr('transform', turn).style('fill', 'var(--c)');
        buttons.append('bdi').text(n => n);
        const self = { draw, reset };
        charts.push(self);
        draw();
    }

    function cut(text, most) { return text.length > most ? text.slice(0, Math.max(1, most - 1)) + '\u2026' : text; }

    /* ---- what a point says ---- */

    const tip = (function () {
        const node = document.getElementById('tip');
        return {
            show(lines, px, py) {
                node.textContent = lines.join('\n');
                node.classList.add('on');
                const box = node.getBoundingClientRect();
                node.style.left = Math.max(4, Math.min(innerWidth - box.width - 4, px + 12)) + 'px';
                node.style.top = (py - box.height - 10 < 4 ? py + 16 : py - box.height - 10) + 'px';
            },
            hide() { node.classList.remove('on'); },
        };
    })();

    /* ---- the raw rows, a page at a time ---- */

    const PAGE = 100;
    function rawRows(details, table) {
        const raw = table.raw, m = modelOf(table);
        const heads = [series.by, 'setting'].concat(raw.names);
        let page = 0;
        const pages = Math.max(1, Math.ceil(raw.row.length / PAGE));
        const cells = i => {
            const row = m.rows[raw.row[i]];
            return [row.name, row.setting].concat(raw.columns.map(c => c[i]));
        };
        const box = d3.select(details).append('div');
        const pager = box.append('div').attr('class', 'pager');
        const back = pager.append('button').attr('type', 'button').text('Back').on('click', () => { page--; fill(); });
        const on = pager.append('button').attr('type', 'button').text('On').on('click', () => { page++; fill(); });
        const where = pager.append('span').attr('role', 'status');
        pager.append('button').attr('type', 'button').text('Save as CSV').on('click', save);
        const t = box.append('div').attr('class', 'scroll').attr({ tabindex: 0, role: 'region', 'aria-label': 'Raw rows' }).append('table');
        t.append('caption').text('Raw rows of ' + table.title);
        t.append('thead').append('tr').selectAll('th').data(heads).enter().append('th').attr('scope', 'col')
            .attr('class', (h, i) => i < 2 ? 't' : null).text(h => h);
        const body = t.append('tbody');
        function fill() {
            const from = page * PAGE, to = Math.min(raw.row.length, from + PAGE);
            body.selectAll('*').remove();
            const rows = body.selectAll('tr').data(d3.range(from, to)).enter().append('tr');
            rows.selectAll('td').data(cells).enter().append('td').attr('class', (v, i) => i < 2 ? 't' : null)
                .text(v => v === null ? '\u2013' : typeof v === 'number' ? String(v) : v);
            where.text('rows ' + (from + 1) + ' to ' + to + ' of ' + raw.row.length);
            back.property('disabled', page === 0);
            on.property('disabled', page + 1 >= pages);
        }
        function save() {
            const quoted = v => v === null ? '' : /[",\r\n]/.test(v) ? '"' + String(v).replace(/"/g, '""') + '"' : String(v);
            const text = [heads.map(quoted).join(',')];
            for (let i = 0; i < raw.row.length; i++) text.push(cells(i).map(quoted).join(','));
            const link = document.createElement('a');
            link.href = URL.createObjectURL(new Blob([text.join('\n') + '\n'], { type: 'text/csv' }));
            link.download = table.name + '_samples.csv';
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 1000);
        }
        fill();
    }

    report.tables.forEach((table, i) => {
        const host = document.getElementById('chart' + i), details = document.getElementById('raw' + i);
        if (host) { host.hidden = false; Chart(host, table); }
        if (details && table.raw)
            details.addEventListener('toggle', () => { if (details.open && !details.querySelector('table')) rawRows(details, table); });
    });
    let width = innerWidth;
    addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; for (const c of charts) c.reset(); } });
    /* Paper is narrower than the window: charts are drawn for it. */
    matchMedia('print').addEventListener('change', () => { for (const c of charts) c.reset(); });
})();
