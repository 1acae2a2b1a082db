// Refreshes the admin page every 10 s while its tab is visible. A part in which something is focused or
// selected stays as it is; open details stay open, and nothing scrolls.
'use strict';
(() => {
    const byId = (id) => document.getElementById(id);
    const isUsed = (part) => {
        const selection = document.getSelection();
        return part.contains(document.activeElement) || (!selection.isCollapsed && selection.containsNode(part, true));
    };
    const replace = (part, next) => {
        for (const open of part.querySelectorAll('details[open]')) {
            next.querySelector(`details[id="${CSS.escape(open.id)}"]`)?.setAttribute('open', '');
        }
        const places = [...part.querySelectorAll('.scroll')].map((region) => region.scrollLeft);
        part.replaceWith(next);
        next.querySelectorAll('.scroll').forEach((region, at) => { region.scrollLeft = places[at] ?? 0; });
    };
    let answered = new Date();
    const refresh = async () => {
        try {
            const answer = await fetch(location.href, { signal: AbortSignal.timeout(8000) });
            if (!answer.ok) throw new Error(answer.status);
            const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
            const verdict = fresh.getElementById('verdict-line').textContent;
            if (verdict !== byId('verdict-line').textContent) byId('announcement').textContent = verdict;
            for (const part of document.querySelectorAll('[data-live]')) {
                const next = fresh.getElementById(part.id);
                if (next && !isUsed(part)) replace(part, document.adoptNode(next));
            }
            document.title = fresh.title;
            answered = new Date();
        } catch { /* The text below says since when. */ }
        const age = new Date() - answered;
        byId('refresh').textContent = age < 9000 ? '' : `This page is old: no answer since ${answered.toISOString().slice(11, 19)} UTC.`;
    };
    setInterval(() => { if (!document.hidden) refresh(); }, 10000);
})();
