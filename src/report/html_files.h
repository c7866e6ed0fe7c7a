/* html_files.h - what an HTML report is made of, embedded at build (cmake/embed.cmake): the files of html/, and D3 with
 * its licence from Debian's libjs-d3. */
#ifndef REPORT_HTML_FILES_H
#define REPORT_HTML_FILES_H

extern const char html_page[], html_style[], html_scales[], html_charts[], html_script[], html_d3[], html_licence[];

#endif
