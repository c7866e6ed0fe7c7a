/* scales.js - numbers and scales that the charts share. */
'use strict';
const report = JSON.parse(document.getElementById('data').textContent);

const shown = {
    number(x) {
        if (x === null || !isFinite(x)) return '–';
        const size = Math.abs(x);
        if (size !== 0 && (size >= 1e9 || size < 1e-4)) return x.toExponential(2);
        return x.toLocaleString('en', { maximumSignificantDigits: 4, useGrouping: false });
    },
    /* As many digits as the interval bears, as figure_number of format.c has it: a figure is [median, low, high, n]. */
    figure(f, x) {
        const size = Math.max(...f.slice(0, 3).map(v => Math.abs(v)));
        const width = f[1] !== null && f[2] > f[1] ? f[2] - f[1] : size / 100;
        if (Math.abs(x) >= 1e15 || (size > 0 && size < 1e-6)) return x.toExponential(3);
        const places = width > 0 ? 1 - Math.floor(Math.log10(width)) : 3;
        const most = size > 0 ? 5 - Math.floor(Math.log10(size)) : 6;
        return x.toFixed(Math.max(0, Math.min(places, most, 12)));
    },
    unit(column) { return column.unit ? ' ' + column.unit : ''; },
    title(column) { return column.title + (column.unit ? ' (' + column.unit + ')' : ''); },
};

/* Room of 4 % on both sides; a logarithmic scale needs all numbers above zero. */
function scaleOf(values, log, range, zero) {
    const all = values.filter(x => x !== null && isFinite(x));
    let [low, high] = all.length ? d3.extent(all) : [0, 1];
    if (log && low > 0) {
        if (low === high) { low /= 2; high *= 2; }
        const room = Math.pow(high / low, 0.04);
        return d3.scale.log().domain([low / room, high * room]).range(range);
    }
    if (low === high) { low -= Math.abs(low) / 10 || 1; high += Math.abs(high) / 10 || 1; }
    const room = (high - low) * 0.04;
    const from = zero && low >= 0 ? 0 : low - room;
    return d3.scale.linear().domain([from, high + room]).range(range);
}

function isLog(scale) { return scale.base !== undefined; }

/* Few enough ticks to be read; on a logarithmic scale those of 1, 2 and 5, or powers alone. */
function ticksOf(scale, room) {
    if (!isLog(scale)) return scale.ticks(Math.max(2, room));
    const [low, high] = scale.domain();
    let out = [];
    for (const steps of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
        out = [];
        for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
            for (const s of steps) {
                const x = s * Math.pow(10, e);
                if (x >= low && x <= high) out.push(x);
            }
        if (out.length <= room) break;
    }
    if (out.length < 2) out = scale.copy().domain([low, high]).ticks(3).filter((x, i, a) => a.length < 6 || i % 3 === 0);
    return out.filter((x, i) => i % Math.ceil(out.length / room) === 0);
}

/* A part of the domain, by factor about the middle: 0.5 shows half of it. */
function zoomed(scale, factor) {
    const [a, b] = isLog(scale) ? scale.domain().map(Math.log) : scale.domain();
    const middle = (a + b) / 2, half = (b - a) / 2 * factor;
    const out = [middle - half, middle + half];
    return isLog(scale) ? out.map(Math.exp) : out;
}

function quantile(sorted, q) {
    const h = (sorted.length - 1) * q, i = Math.floor(h);
    return i + 1 < sorted.length ? sorted[i] + (h - i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}
