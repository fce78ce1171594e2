# Hub and gateway in one image: `docker compose build`, docs/deployment.md.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /opt/wugan
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24.21.0-bookworm-slim
WORKDIR /opt/wugan
COPY --from=dependencies /opt/wugan/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY cli cli
COPY simulators simulators
COPY src src
RUN install -d -o node -g node -m 0700 /var/lib/wugan
USER node
VOLUME /var/lib/wugan
ENTRYPOINT ["node", "/opt/wugan/bin/wugan.js"]
CMD ["hub", "-c", "/etc/wugan/hub.yaml", "--json"]
