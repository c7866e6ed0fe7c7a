/* page.js - what answers to clicks outside the charts: theme, print, copying, sorting and filtering of tables. */
(function () {
    const root = document.documentElement;

    /* ---- theme: as the system has it until it is chosen ---- */
    const theme = document.getElementById('theme');
    const system = matchMedia('(prefers-color-scheme: dark)');
    const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
    function name() { theme.textContent = isDark() ? 'Light' : 'Dark'; theme.setAttribute('aria-label', 'Show it ' + (isDark() ? 'light' : 'dark')); }
    theme.hidden = false;
    theme.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; name(); });
    system.addEventListener('change', name);
    name();

    const print = document.getElementById('print');
    print.hidden = false;
    print.addEventListener('click', () => window.print());

    for (const button of document.querySelectorAll('button.copy')) {
        button.hidden = false;
        button.addEventListener('click', () => {
            const text = button.parentElement.querySelector('pre');
            const range = document.createRange();
            range.selectNodeContents(text);
            const selection = getSelection();
            selection.removeAllRanges();
            selection.addRange(range);
            const said = done => { button.textContent = done ? 'Copied' : 'Selected: press Ctrl-C'; };
            if (navigator.clipboard && isSecureContext)
                navigator.clipboard.writeText(text.textContent).then(() => said(true), () => said(false));
            else
                said(false);
        });
    }

    /* ---- tables ---- */
    function value(row, column) {
        const cell = row.cells[column];
        return cell.dataset.v === undefined ? null : cell.dataset.v;
    }

    function sortBy(table, column, numeric) {
        const head = table.tHead.rows[0].cells;
        const down = head[column].getAttribute('aria-sort') === 'ascending';
        for (const th of head) th.removeAttribute('aria-sort');
        head[column].setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const rows = Array.from(table.tBodies[0].rows);
        const sign = down ? -1 : 1;
        rows.sort((r, s) => {
            const a = value(r, column), b = value(s, column);
            if (a === null || b === null) return (a === null) - (b === null); /* what is missing comes last */
            return sign * (numeric ? a - b : a.localeCompare(b, 'en', { numeric: true }));
        });
        table.tBodies[0].append(...rows);
    }

    function filterable(table) {
        const bar = document.createElement('div');
        const choices = [];
        bar.className = 'filter';
        const search = document.createElement('input');
        const searchLabel = document.createElement('label');
        const count = document.createElement('span');
        search.type = 'search';
        searchLabel.append('Filter', search);
        bar.append(searchLabel);
        count.className = 'hint';
        count.setAttribute('role', 'status');
        const rows = Array.from(table.tBodies[0].rows);
        const texts = rows.map(row => row.textContent.toLowerCase());
        function apply() {
            const words = search.value.toLowerCase().split(/\s+/).filter(w => w);
            let n = 0;
            rows.forEach((row, i) => {
                const fits = words.every(w => texts[i].includes(w)) &&
                    choices.every(c => c.select.value === '' || value(row, c.column) === c.select.value.slice(1));
                row.hidden = !fits;
                n += fits;
            });
            count.textContent = n === rows.length ? rows.length + ' rows' : n + ' of ' + rows.length + ' rows';
        }
        Array.from(table.tHead.rows[0].cells).forEach((th, column) => {
            const values = Array.from(new Set(rows.map(r => value(r, column)).filter(v => v !== null)));
            if (!th.dataset.choose || values.length < 2 || values.length > 20) return;
            const select = document.createElement('select'), label = document.createElement('label');
            select.append(new Option('all', ''));
            values.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
            for (const v of values) select.append(new Option(v, '=' + v));
            label.append(th.textContent.trim(), select);
            bar.append(label);
            choices.push({ column, select });
            select.addEventListener('change', apply);
        });
        search.addEventListener('input', apply);
        bar.append(count);
        table.closest('.scroll').before(bar);
        apply();
    }

    for (const table of document.querySelectorAll('table.sortable')) {
        Array.from(table.tHead.rows[0].cells).forEach((th, column) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.append(...th.childNodes);
            th.append(button);
            button.addEventListener('click', () => sortBy(table, column, th.dataset.kind !== 'text'));
        });
        if (table.tBodies[0].rows.length > 1) filterable(table);
    }

    /* What is folded is printed too, and folded again. */
    let opened = [];
    addEventListener('beforeprint', () => {
        opened = Array.from(document.querySelectorAll('details:not([open]):not(.raw)'));
        for (const d of opened) d.open = true;
    });
    addEventListener('afterprint', () => { for (const d of opened) d.open = false; });
})();
