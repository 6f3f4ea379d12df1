module.exports = function (config) {
  config.addFilter("shout", (text) => text + "!");

  return { dir: { input: "src" }, markdownTemplateEngine: "njk" };
};
